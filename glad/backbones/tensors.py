"""Reads the named tensors of a file of weights, and nothing else: no object of the file comes to life."""

import pickle
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from glad.errors import UserError

# What public checkpoints carry beside their tensors: numpy numbers in `meta`, training curves in `message_hub`.
# Read as `Ignored`, so that the file opens and none of it is built.
IGNORED = (
    "builtins.getattr",
    "mmengine.logging.history_buffer.HistoryBuffer",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy.dtype",
    "numpy.ndarray",
)


class Ignored:
    """Stands where a file has something that is no tensor: takes any arguments and any state, and keeps nothing."""

    def __new__(cls, *args: Any, **kwargs: Any) -> "Ignored":
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


def tensors_of(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a `.safetensors`, `.pth`, `.pth.tar`, `.pt` or `.npz` file by name, on the CPU.

    A torch file holds a dictionary of tensors, or a dictionary whose entry `state_dict` is one; a `.npz` file is what
    `numpy.savez` makes of named arrays. Anything else, and a file that holds more than plain values, is refused with a
    `UserError`.
    """
    if not path.is_file():
        raise UserError(f"{path}: there is no such file of weights")
    if path.suffix == ".safetensors":
        try:
            return safetensors.torch.load_file(path)
        except safetensors.SafetensorError as error:
            raise UserError(f"{path}: not a readable safetensors file ({error}); fetch it again") from error
    if path.suffix == ".npz":
        return _arrays(path)
    if not path.name.endswith((".pth", ".pt", ".pth.tar")):
        raise UserError(
            f"{path}: weights are read from .safetensors, .pth, .pth.tar, .pt or .npz files, not '{path.suffix}'"
        )
    content = _unpickled(path)
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not content:
        raise UserError(f"{path}: holds no dictionary of tensors, neither by itself nor as 'state_dict'")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise UserError(
                f"{path}: '{name}' is no named tensor but {type(value).__name__}; expected a dictionary of tensors, "
                f"by itself or as 'state_dict'"
            )
    return dict(content)


def _arrays(path: Path) -> dict[str, Tensor]:
    """Return the arrays of a `.npz` file as tensors; a pickled object in it is refused and never built."""
    try:
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as arrays:
            found = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UserError(f"{path}: not a readable .npz file ({type(error).__name__}); make it again") from error
    except (ValueError, TypeError) as error:  # an object, text, or a file that is no array
        raise UserError(
            f"{path}: holds something other than named arrays of numbers; write it with numpy.savez(path, **arrays)"
        ) from error
    if not found:
        raise UserError(f"{path}: holds no array; expected the tensors of a network by name")
    return found


def _unpickled(path: Path) -> Any:
    """Return the content of a torch file, read without ever running anything that it names."""
    allowed: list[Any] = [(Ignored, name) for name in IGNORED]
    try:
        with torch.serialization.safe_globals(allowed):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        inside = f" ({named[1]})" if named else ""
        raise UserError(
            f"{path}: holds something other than plain tensors{inside} and is not opened, since that could run code; "
            f"save its state_dict alone, best as .safetensors"
        ) from error
    except Exception as error:  # torch raises whatever the broken bytes lead it to
        raise UserError(f"{path}: not a readable torch file ({type(error).__name__}); fetch it again") from error
