"""Puts the weights of a file into a backbone: our own files, and the public ones under their authors' names.

A file is taken apart into backbone and head, the head is left out and reported, and what remains, under our names
(`layouts.py`), must be the backbone's tensors exactly: none missing, none more, every shape equal.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from glad.backbones.layouts import DEEPMIND_SCOPE, LAYOUTS, State
from glad.backbones.tensors import tensors_of
from glad.errors import UserError

# In a file without a prefix for the backbone, what belongs to a head.
BARE_HEADS = ("fc.", "new_fc.", "cls_head.", "logits.", "Logits/", f"{DEEPMIND_SCOPE}Logits/")


@dataclass(frozen=True)
class LoadReport:
    """What came out of a file: its layout in words, how many tensors were loaded, which head keys were left out."""

    origin: str
    layout: str
    loaded: int
    dropped: tuple[str, ...]


def load_backbone(module: nn.Module, path: Path | str) -> LoadReport:
    """Load a backbone's weights from a `.safetensors`, `.pth`, `.pt` or `.npz` file; see `load_state`."""
    return load_state(module, tensors_of(Path(path)), str(path))


def load_state(module: nn.Module, state: State, origin: str) -> LoadReport:
    """Load a backbone's weights out of named tensors, and say what was loaded and what left out.

    Every tensor of `module` must be in `state` with its shape, and no other backbone tensor may be; `UserError`
    naming `origin` otherwise, with `module` unchanged. Only batch norm's step counts may be absent, all together
    (public files older than they are): they then start at 0.
    """
    backbone, dropped = split_head(without_wrapper(state))
    layout = next(layout for layout in LAYOUTS if layout.recognises(backbone))
    own = module.state_dict()
    try:
        converted = with_step_counts(layout.converted(backbone), own)
    except UserError as error:
        raise UserError(f"{origin}: {error}") from error
    problem = mismatch(converted, own)
    if problem:
        raise UserError(
            f"{origin}: read as {layout.name}, it does not fit {type(module).__name__}: {problem}; choose the "
            f"backbone these weights were made for, or weights made for this backbone (docs/backbones.md)"
        )
    module.load_state_dict(converted, strict=True)
    return LoadReport(origin, layout.name, len(own), tuple(dropped))


def without_wrapper(state: State) -> State:
    """Return the tensors without the `module.` that data-parallel training puts in front of every name."""
    if all(name.startswith("module.") for name in state):
        return {name.removeprefix("module."): value for name, value in state.items()}
    return state


def split_head(state: State) -> tuple[State, list[str]]:
    """Return the backbone's tensors without their prefix, and the names of all others.

    The prefix is `backbone.` (mmaction2 and our methods) or `base_model.` (the TSM authors). A file without either
    is a bare backbone, perhaps with a classifier under one of the names in `BARE_HEADS`.
    """
    for prefix in ("backbone.", "base_model."):
        inside = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        if inside:
            return inside, [name for name in state if not name.startswith(prefix)]
    backbone = {name: value for name, value in state.items() if not name.startswith(BARE_HEADS)}
    return backbone, [name for name in state if name not in backbone]


def with_step_counts(state: State, own: State) -> State:
    """Return `state` with batch norm's step counts at 0 where no layer has one (nothing depends on them)."""
    if any(name.endswith("num_batches_tracked") for name in state):
        return state
    return state | {name: torch.zeros_like(own[name]) for name in own if name.endswith("num_batches_tracked")}


def mismatch(state: State, own: State) -> str:
    """Return in words how `state` differs from a module's `own` tensors; empty when it fits."""
    missing = [name for name in own if name not in state]
    unknown = [name for name in state if name not in own]
    shapes = [
        f"{name} {tuple(state[name].shape)} instead of {tuple(own[name].shape)}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    kinds = (("missing", missing), ("unknown", unknown), ("of another shape", shapes))
    return ", ".join(f"{len(found)} {kind} ({_some(found)})" for kind, found in kinds if found)


def _some(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
