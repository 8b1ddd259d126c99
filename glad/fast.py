"""A trained backbone on the fastest engine that is installed, where there is enough to predict to earn its start."""

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import torch
from torch import Tensor, nn

from glad.errors import UserError
from glad.program import program_of, quiet, write_onnx
from glad.progress import say

Backend = Literal["auto", "openvino", "onnxruntime", "compile", "eager"]
Engine = Callable[[Tensor], Tensor]

CLOSE = 1e-4
"""How far a value of an engine's map may be from PyTorch's, as a share of the largest value anywhere in the map.

It is no bound on probabilities. Features, which are means of the map, are off by no more than it is; a score by at most
that times the sum of the classifier's absolute weights for a class; a probability by at most half of what the scores
are off. `benchmarks/predict.py` holds what GLAD's classifier makes of the maps to 1e-4.
"""
# Engines, best first, with the seconds that each takes to be ready for R50-I3D (AMD EPYC, one core). Measured, as the
# times a clip took: 0.08 s with OpenVINO, 0.09 with the compiler, 0.12 with ONNX Runtime, 0.13 with PyTorch.
READY = {"openvino": 2.0, "onnxruntime": 10.0, "compile": 40.0}
EARNED = 4  # an engine is started where PyTorch would need so many times as long for what is left
PACKAGES = {"openvino": ("openvino",), "onnxruntime": ("onnxruntime", "onnx", "onnxscript")}


class Faster(nn.Module):
    """A backbone in evaluation mode that computes on another engine; a module, so that it may stand in a method.

    Every new shape of pixels is computed by PyTorch first. With `auto`, an engine is started once the time that this
    took says that the clips left would take long. Its map is compared with PyTorch's for every shape before it is
    used, and where the two differ by more than `CLOSE`, or the engine fails, PyTorch computes on, and a line says so.
    """

    def __init__(self, backbone: nn.Module, clips: int, backend: Backend = "auto") -> None:
        """Take in a backbone on its device and in evaluation mode, and how many clips it is going to see.

        Raises UserError for an engine that was asked for by name and is not there.
        """
        super().__init__()
        self.backbone = backbone
        self.width = backbone.width
        self.left = clips
        self.at_once = backend != "auto"
        self.name = chosen(backend, next(backbone.parameters()).device)
        self.engines: dict[tuple[int, ...], Engine] = {}
        self.proven: set[tuple[int, ...]] = set()

    def forward(self, pixels: Tensor) -> Tensor:
        self.left -= len(pixels)
        if self.name is not None and pixels.shape in self.proven:
            try:
                return self.engines[pixels.shape[1:]](pixels)
            except Exception as problem:
                self._give_up(failed(self.name, problem))
        start = perf_counter()
        found = self.backbone(pixels)
        if self.name is not None:
            seconds = (perf_counter() - start) / len(pixels) * self.left
            if self.at_once or pixels.shape[1:] in self.engines or seconds > EARNED * READY[self.name]:
                self._prove(self.name, pixels, found)
        return found

    def _prove(self, name: str, pixels: Tensor, expected: Tensor) -> None:
        """Start the engine for clips of this size unless it runs, and admit it for this shape if it is right."""
        size = tuple(pixels.shape[1:])
        try:
            with quiet(), torch.inference_mode(False), torch.no_grad():
                pixels = pixels.clone()  # compilers refuse tensors that were made for inference only
                if size not in self.engines:
                    self.engines[size] = ENGINES[name](self.backbone, pixels)
                found = self.engines[size](pixels)
            difference = ((found - expected).abs().max() / expected.abs().max().clamp_min(1e-12)).item()
        except Exception as problem:
            self._give_up(failed(name, problem))
            return
        if not difference <= CLOSE:
            self._give_up(f"what {name} computes is {difference:.1g} away from PyTorch")
            return
        if not self.proven:
            say(f"  {name} computes from here on: what it says is within {difference:.1g} of PyTorch")
        self.proven.add(tuple(pixels.shape))

    def _give_up(self, why: str) -> None:
        say(f"  {why}; PyTorch computes on")
        self.name = None
        self.engines.clear()
        self.proven.clear()


def failed(name: str, problem: Exception) -> str:
    """Return in one line that an engine failed, and why."""
    return f"{name} failed ({type(problem).__name__}: {(str(problem) or 'no reason').splitlines()[0]})"


def chosen(backend: Backend, device: torch.device) -> str | None:
    """Return the engine that `backend` means here; None is PyTorch as it is. `auto` is the best one installed.

    On a GPU that is PyTorch, and `compile` is the only other choice.
    """
    if backend == "eager" or (backend == "auto" and device.type != "cpu"):
        return None
    if backend == "auto":
        return next((name for name in READY if not missing(name)), None)
    if backend != "compile" and device.type != "cpu":
        raise UserError(f"--backend {backend} computes on the CPU, and there is a GPU: leave it out, or choose compile")
    if lacking := missing(backend):
        raise UserError(f"--backend {backend} needs {lacking}, or leave it out: what is installed is chosen then")
    return backend


def missing(name: str) -> str:
    """Return what an engine lacks and how to get it; empty where nothing."""
    if name == "compile":
        compiler = os.environ.get("CXX") or "g++"
        return "" if shutil.which(compiler) or shutil.which("clang++") else "a C++ compiler such as g++"
    absent = [package for package in PACKAGES[name] if importlib.util.find_spec(package) is None]
    return f"{' and '.join(absent)}: pip install {' '.join(absent)}" if absent else ""


def openvino_engine(backbone: nn.Module, pixels: Tensor) -> Engine:
    """Return the backbone in OpenVINO, in single precision, for clips of this size and any number of them."""
    openvino, pytorch_graph = openvino_modules()
    # The reader keeps no hold of the graph itself.
    graph = pytorch_graph(torch.jit.trace(backbone, pixels, check_trace=False), example_input=pixels)
    front_end = openvino.frontend.FrontEndManager().load_by_framework("pytorch")
    model = front_end.convert(front_end.load(graph))
    model.reshape([-1, *pixels.shape[1:]])
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = openvino.compile_model(model, "CPU", settings)
    return lambda pixels: torch.from_numpy(compiled(pixels.contiguous().numpy())[0])


def openvino_modules() -> tuple[Any, Any]:
    """Return OpenVINO and its reader of PyTorch graphs, which tell nobody that they are used.

    Without this, importing them writes an identifier into the home folder and reports to their makers.
    """
    reports = sys.modules.get("openvino_telemetry")
    sys.modules["openvino_telemetry"] = None  # pyright: ignore[reportArgumentType]
    try:
        import openvino.frontend  # pyright: ignore[reportMissingImports]
        from openvino.frontend.pytorch.ts_decoder import (  # pyright: ignore[reportMissingImports]
            TorchScriptPythonDecoder,
        )
    finally:
        del sys.modules["openvino_telemetry"]
        if reports is not None:
            sys.modules["openvino_telemetry"] = reports
    return openvino, TorchScriptPythonDecoder


def onnxruntime_engine(backbone: nn.Module, pixels: Tensor) -> Engine:
    """Return the backbone in ONNX Runtime, for clips of this size and any number of them."""
    import onnxruntime  # pyright: ignore[reportMissingImports]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder:
        program = program_of(backbone, (torch.cat([pixels, pixels]),))  # of two clips at least
        write_onnx(program, ("pixels",), "map", file := Path(folder) / "backbone.onnx", {})
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda pixels: torch.from_numpy(session.run(None, {"pixels": pixels.contiguous().numpy()})[0])


def compile_engine(backbone: nn.Module, pixels: Tensor) -> Engine:
    """Return the backbone compiled by PyTorch with its weights as constants; every new shape is compiled anew."""
    compiled = torch.compile(backbone, dynamic=False, options={"freezing": True})

    def engine(pixels: Tensor) -> Tensor:
        with torch.inference_mode(False), torch.no_grad():
            return compiled(pixels.clone())

    return engine


ENGINES: dict[str, Callable[[nn.Module, Tensor], Engine]] = {
    "openvino": openvino_engine,
    "onnxruntime": onnxruntime_engine,
    "compile": compile_engine,
}
