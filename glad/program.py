"""A network as a graph that needs none of its Python: recorded by `torch.export`, written as .pt2 or ONNX."""

import importlib.util
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from glad.errors import UserError

INSIDE = "glad"  # the name under which what is known about a network lies in its own file
ONNX = ("onnx", "onnxscript")
ROWS = "videos"  # the name of the first axis


def program_of(module: nn.Module, inputs: tuple[Tensor, ...]) -> ExportedProgram:
    """Return the graph of `module`, which is in evaluation mode, for any number of rows.

    `inputs` are tensors of two rows or more, which it is recorded with: of a single row one could not tell that there
    may be more. Every other size is fixed. Whatever PyTorch cannot record raises what PyTorch raises.
    """
    assert all(len(tensor) >= 2 for tensor in inputs), "an axis of one is taken for a constant"
    rows = Dim(ROWS, min=1)
    with quiet(), torch.no_grad():
        program = torch.export.export(module, inputs, dynamic_shapes=_any_rows(module, inputs, rows))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # the folders of the machine
    return program


def _any_rows(module: nn.Module, inputs: tuple[Tensor, ...], rows: object) -> Any:
    """Return what the axes of `inputs` are called, nested as `forward` takes them: one by one, or as `*tensors`."""
    each = tuple({0: rows} for _ in inputs)
    variadic = module.forward.__code__.co_flags & 0x04
    return (each,) if variadic else each


def write_onnx(
    program: ExportedProgram, inputs: tuple[str, ...], output: str, file: Path, about: dict[str, Any]
) -> None:
    """Write a graph as ONNX, with the names of its inputs and its output, and `about` as JSON in its properties."""
    needs(*ONNX, what="ONNX")
    with quiet():
        exported = torch.onnx.export(
            program,
            dynamo=True,
            verbose=False,
            input_names=list(inputs),
            output_names=[output],
            dynamic_shapes=tuple({0: ROWS} for _ in inputs),
        )
        assert exported is not None
        for node in exported.model.graph:
            node.metadata_props.clear()  # where in the Python code it came from
        exported.model.metadata_props[INSIDE] = json.dumps(about)
        exported.save(str(file))


def write_pt2(program: ExportedProgram, file: Path, about: dict[str, Any]) -> None:
    """Write a graph as .pt2, with `about` as JSON in it, under the name `glad`."""
    with quiet(), file.open("wb") as out:  # the folder inside of a file that is named would have its name
        torch.export.save(program, out, extra_files={INSIDE: json.dumps(about)})


def read_pt2(file: Path) -> tuple[nn.Module, dict[str, Any]]:
    """Return the network of a file of `write_pt2` and what is known about it."""
    extra = {INSIDE: ""}
    with quiet():
        network = torch.export.load(file, extra_files=extra).module()
    return network, json.loads(extra[INSIDE])


def needs(*packages: str, what: str) -> None:
    """Refuse to go on where one of the `packages` that `what` takes is not installed."""
    absent = [name for name in packages if importlib.util.find_spec(name) is None]
    if absent:
        raise UserError(f'{what} needs what is not installed ({", ".join(absent)}): pip install "glad[export]"')


@contextmanager
def quiet() -> Iterator[None]:
    """Keep from users what PyTorch and its exporter tell about themselves; whether a file is right is measured."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
