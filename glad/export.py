"""Leaves a run as one file that needs no glad: ONNX, or PyTorch's own .pt2, each measured against the run."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from glad.batch import Clips
from glad.errors import UserError
from glad.files import atomic, write_text
from glad.interface import as_text, interface
from glad.methods.base import Method
from glad.ours import check_ours
from glad.program import ONNX, needs, program_of, read_pt2, write_onnx, write_pt2
from glad.run import PREDICTION, Run

Format = Literal["onnx", "torch"]
Network = Callable[[dict[str, Tensor]], Tensor]  # uint8 clips of each view in, probabilities (b, k) out

FILES: dict[Format, str] = {"onnx": "model.onnx", "torch": "model.pt2"}
ABOUT = "model.json"
CLOSE = 1e-4  # how far a probability may be from the run's
BATCHES = (1, 2, 5)  # videos at once, in the comparison
SEED = 0  # of the videos made up for it


class Prediction(nn.Module):
    """A method's prediction as a function of one tensor a view, uint8 (b, n, 3, t, h, w), to probabilities (b, k).

    It holds the backbone and the classifier; the heads that only training needs stay behind.
    """

    def __init__(self, method: Method, views: tuple[str, ...]) -> None:
        super().__init__()
        self.views = views
        self.method = copy.copy(method)
        kept = {name: child for name, child in method.named_children() if name in PREDICTION}
        self.method.__dict__["_modules"] = kept  # of the copy alone

    def forward(self, *pixels: Tensor) -> Tensor:
        return probabilities(self.method, dict(zip(self.views, pixels, strict=True)))


@dataclass(frozen=True)
class Exported:
    """A file that holds a run's prediction, and the largest difference of a probability from the run's."""

    file: Path
    difference: float


def export(run: Run, folder: Path, formats: tuple[Format, ...] = ("onnx",)) -> list[Exported]:
    """Write the prediction of `run` into `folder`, a file for each of `formats`, and `model.json`, which explains them.

    The weights are those of the checkpoint that the recipe's rule chose. Each file is read back and compared with the
    run, on made-up videos of both kinds, so many at once as `BATCHES` says.

    Raises:
        UserError: a package is missing, the folder holds other things by these names, the method cannot be recorded as
            a graph, or a file's probabilities are more than `CLOSE` from the run's; nothing is then left of that file.
    """
    if "onnx" in formats:
        needs(*ONNX, "onnxruntime", what="--format onnx")
    checkpoint = run.selected()
    method, recipe = run.method(checkpoint), run.recipe
    about = interface(recipe, run.classes, checkpoint["step"])
    shapes = {view: tuple(taken["shape"][1:]) for view, taken in about["inputs"].items()}
    expected = [(clips := made_up(shapes, videos), probabilities(method, clips)) for videos in BATCHES]
    check_repeatable(method, *expected[0])
    before = begin(folder, about)
    network = Prediction(method, tuple(shapes)).eval()
    try:
        program = program_of(network, tuple(made_up(shapes, 2).values()))
    except Exception as problem:
        raise UserError(
            f"{run.folder}: its prediction cannot be recorded as a graph ({first_line(problem)})"
        ) from problem
    written = []
    for kind in formats:
        with atomic(folder / FILES[kind]) as temporary:
            if kind == "onnx":
                write_onnx(program, tuple(shapes), "probabilities", temporary, about)
            else:
                write_pt2(program, temporary, about)
            written.append(Exported(folder / FILES[kind], check_close(READ[kind](temporary), expected, FILES[kind])))
    found = {one.file.name: {"largest_difference": one.difference, "videos": sum(BATCHES)} for one in written}
    write_text(folder / ABOUT, as_text(about | {"files": before | found}))
    return written


def begin(folder: Path, about: dict[str, Any]) -> dict[str, Any]:
    """Make `folder` ours, and return what it says of files of the same run; those of another run are removed."""
    check_ours(folder, FILES.values(), ABOUT, '{"made_by":"glad')
    try:
        earlier = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        earlier = {}
    files = earlier.pop("files", {})
    if earlier != about:
        files = {}
        write_text(folder / ABOUT, as_text(about))
        for name in FILES.values():
            (folder / name).unlink(missing_ok=True)
    return files


def probabilities(method: Method, views: dict[str, Tensor]) -> Tensor:
    """Return the probabilities (b, k) of uint8 clips (b, n, 3, t, h, w) of each view."""
    # Shapes and not `len`, which would write the number of videos into a graph.
    times = {view: torch.zeros(*pixels.shape[:2], pixels.shape[3]).long() for view, pixels in views.items()}
    draw = torch.zeros(next(iter(views.values())).shape[0]).long()
    with torch.no_grad():
        return method.predict(Clips(views, times, draw)).probabilities


def made_up(shapes: dict[str, tuple[int, ...]], videos: int) -> dict[str, Tensor]:
    """Return uint8 clips of so many made-up videos for each view's shape (n, 3, t, h, w): moving patches with noise."""
    rng = np.random.default_rng([SEED, videos])
    clips = {}
    for view, (n, colours, t, h, w) in shapes.items():
        coarse = rng.integers(0, 256, (videos, n, colours, 1, 4, 4))
        patches = coarse[..., np.arange(h) * 4 // h, :][..., np.arange(w) * 4 // w]
        moving = np.concatenate([np.roll(patches, step, axis=5) for step in range(t)], axis=3)
        noise = rng.integers(-32, 33, moving.shape)
        clips[view] = torch.from_numpy((moving + noise).clip(0, 255).astype(np.uint8))
    return clips


def check_repeatable(method: Method, clips: dict[str, Tensor], before: Tensor) -> None:
    """Refuse a method that says something else of the same clips when asked again."""
    if not torch.equal(probabilities(method, clips), before):
        raise UserError(
            "this run draws random numbers when it predicts (method.release_dropout?), so no file can equal it"
        )


def check_close(network: Network, expected: list[tuple[dict[str, Tensor], Tensor]], name: str) -> float:
    """Return the largest difference of a probability between `network` and what is expected; refused above `CLOSE`."""
    differences = [(network(clips) - probabilities).abs().max().item() for clips, probabilities in expected]
    largest = float(np.max(differences))  # and not `max`, which loses a NaN
    if not largest <= CLOSE:
        raise UserError(
            f"{name} is not written: its probabilities differ from the run's by up to {largest:.2g}, more than the "
            f"{CLOSE:g} that rounding explains"
        )
    return largest


def onnx_network(file: Path) -> Network:
    """Return what ONNX Runtime makes of a file on the CPU."""
    import onnxruntime  # pyright: ignore[reportMissingImports]

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return lambda clips: torch.from_numpy(session.run(None, {view: x.numpy() for view, x in clips.items()})[0])


def torch_network(file: Path) -> Network:
    """Return what PyTorch makes of a .pt2 file on the CPU."""
    network, _ = read_pt2(file)

    def run(clips: dict[str, Tensor]) -> Tensor:
        with torch.no_grad():
            return network(*clips.values())

    return run


READ: dict[Format, Callable[[Path], Network]] = {"onnx": onnx_network, "torch": torch_network}


def first_line(problem: Exception) -> str:
    """Return what kind of problem it is, and the first line of what it says."""
    lines = str(problem).strip().splitlines() or ["no reason"]
    return f"{type(problem).__name__}: {lines[0]}"
