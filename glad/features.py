"""Features that an evaluation keeps of some source and target videos, for a picture of what a run made of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from glad.errors import UserError
from glad.files import atomic


@dataclass(frozen=True, eq=False)
class Features:
    """Features of n source and m target videos under one checkpoint.

    Attributes:
        source, target: float32 (n, d) and (m, d), what the classifier is given; of several views their mean.
        source_labels, target_labels: int64 (n,) and (m,), true classes.
        step: of the checkpoint.
    """

    source: np.ndarray
    source_labels: np.ndarray
    target: np.ndarray
    target_labels: np.ndarray
    step: int


def evenly(count: int, most: int) -> tuple[int, ...]:
    """Return at most `most` of the numbers 0..count-1, evenly spaced, the same ones every time."""
    return tuple(range(count)) if count <= most else tuple(number * count // most for number in range(most))


def write_features(path: Path, features: Features) -> None:
    """Write features as safetensors, whole or not at all."""
    arrays = {
        "source": features.source.astype(np.float32),
        "source_labels": features.source_labels.astype(np.int64),
        "target": features.target.astype(np.float32),
        "target_labels": features.target_labels.astype(np.int64),
    }
    with atomic(path) as temporary:
        save_file(
            {name: np.ascontiguousarray(array) for name, array in arrays.items()},
            temporary,
            {"step": str(features.step)},
        )


def read_features(path: Path) -> Features:
    """Return features written by `write_features`; `UserError` where the file is something else."""
    try:
        with safe_open(path, "numpy") as file:
            step = int((file.metadata() or {})["step"])
            arrays = {name: file.get_tensor(name) for name in ("source", "source_labels", "target", "target_labels")}
    except (SafetensorError, OSError, KeyError, ValueError) as problem:
        raise UserError(f"{path} holds no features of a run ({problem}); `glad evaluate` writes them anew") from None
    return Features(**arrays, step=step)
