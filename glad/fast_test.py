"""An engine is admitted where it pays and is right, for every shape anew, and PyTorch computes on where it is not."""

import math

import pytest
import torch
from torch import Tensor, nn

import glad.fast
from glad.backbones.tiny import TinyConfig
from glad.errors import UserError
from glad.fast import CLOSE, EARNED, READY, Faster, chosen, missing, onnxruntime_engine


class Double(nn.Module):
    """Twice the mean over space, and how often it was asked."""

    width = 3

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))
        self.calls = 0

    def forward(self, pixels: Tensor) -> Tensor:
        self.calls += 1
        return self.scale * pixels.float().mean(dim=(3, 4), keepdim=True)


class Recorded:
    """An engine beside `Double` whose answers are off by a factor; remembers what it was started for and asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, factor: float = 1.0, problem: Exception | None = None) -> None:
        self.factor, self.problem = factor, problem
        self.fail: Exception | None = None  # from now on
        self.started: list[tuple[int, ...]] = []
        self.asked: list[tuple[int, ...]] = []
        monkeypatch.setattr(glad.fast, "missing", lambda name: "" if name == "openvino" else "something")
        monkeypatch.setitem(glad.fast.ENGINES, "openvino", self.start)

    def start(self, backbone: nn.Module, pixels: Tensor) -> glad.fast.Engine:
        self.started.append(tuple(pixels.shape))
        if self.problem:
            raise self.problem
        return self.ask

    def ask(self, pixels: Tensor) -> Tensor:
        self.asked.append(tuple(pixels.shape))
        if self.fail:
            raise self.fail
        return 2.0 * self.factor * pixels.float().mean(dim=(3, 4), keepdim=True)


def clips(n: int, side: int = 4) -> Tensor:
    return torch.randint(1, 256, (n, 3, 2, side, side), dtype=torch.uint8, generator=torch.manual_seed(n))


def slow(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Have every look at the clock come `seconds` after the one before."""
    times = iter(range(10**6))
    monkeypatch.setattr(glad.fast, "perf_counter", lambda: next(times) * seconds)


def test_an_engine_takes_over_after_pytorch_has_answered_once_for_each_shape(monkeypatch, capsys):
    engine, backbone = Recorded(monkeypatch), Double()
    faster = Faster(backbone, 100, "openvino")
    assert faster.width == 3
    for n in (2, 2, 1, 1, 2):
        torch.testing.assert_close(faster(clips(n)), 2.0 * clips(n).float().mean(dim=(3, 4), keepdim=True))
    assert backbone.calls == 2  # two clips, one clip
    assert engine.started == [(2, 3, 2, 4, 4)]  # any number of clips
    assert engine.asked == [(2, 3, 2, 4, 4)] * 2 + [(1, 3, 2, 4, 4)] * 2 + [(2, 3, 2, 4, 4)]
    faster(clips(2, side=5))
    assert engine.started[1:] == [(2, 3, 2, 5, 5)]
    assert capsys.readouterr().err.count("openvino computes from here on") == 1


def test_an_engine_is_started_once_what_is_left_would_take_long(monkeypatch):
    engine = Recorded(monkeypatch)
    slow(monkeypatch, 1.0)  # PyTorch takes a second for a clip
    enough = int(EARNED * READY["openvino"])
    for left, started in ((enough, 0), (enough + 1, 1)):
        Faster(Double(), left + 1, "auto")(clips(1))
        assert len(engine.started) == started
    faster = Faster(Double(), 30, "auto")
    for _ in range(28):
        faster(clips(1))
    assert len(engine.started) == 2  # by the first clip, when 29 were left


def test_what_is_left_shrinks_with_every_clip(monkeypatch):
    engine = Recorded(monkeypatch)
    faster = Faster(Double(), 100, "auto")
    for _ in range(96):
        faster(clips(1))  # no time at all
    slow(monkeypatch, 1.0)
    faster(clips(1))
    assert engine.started == []


@pytest.mark.parametrize("off", [1 + 3 * CLOSE, math.nan, 0.0])
def test_an_engine_that_differs_is_dropped_and_that_is_said(monkeypatch, capsys, off):
    engine = Recorded(monkeypatch, factor=off)
    faster = Faster(Double(), 100, "openvino")
    for _ in range(3):
        torch.testing.assert_close(faster(clips(2)), 2.0 * clips(2).float().mean(dim=(3, 4), keepdim=True))
    assert len(engine.asked) == 1
    assert "away from PyTorch; PyTorch computes on" in capsys.readouterr().err


def test_an_engine_that_fails_is_dropped_and_that_is_said(monkeypatch, capsys):
    Recorded(monkeypatch, problem=RuntimeError("no such kernel\nand more"))
    faster = Faster(Double(), 100, "openvino")
    assert faster(clips(2)).shape == faster(clips(2)).shape == (2, 3, 2, 1, 1)
    assert capsys.readouterr().err == "  openvino failed (RuntimeError: no such kernel); PyTorch computes on\n"


def test_an_engine_that_fails_after_it_was_admitted_is_dropped_and_that_is_said(monkeypatch, capsys):
    engine = Recorded(monkeypatch)
    faster = Faster(Double(), 100, "openvino")
    faster(clips(2))
    faster(clips(2))
    assert len(engine.asked) == 2
    engine.fail = MemoryError("no more\nand more")
    capsys.readouterr()
    for n in (2, 2, 1):
        torch.testing.assert_close(faster(clips(n)), 2.0 * clips(n).float().mean(dim=(3, 4), keepdim=True))
    assert len(engine.asked) == 3
    assert capsys.readouterr().err == "  openvino failed (MemoryError: no more); PyTorch computes on\n"


def test_engines_are_chosen_by_what_is_installed_and_where_the_backbone_is(monkeypatch):
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    absent: set[str] = set()
    monkeypatch.setattr(glad.fast, "missing", lambda name: "a thing: pip install it" if name in absent else "")
    assert chosen("auto", cpu) == "openvino"
    assert chosen("auto", gpu) is None and chosen("eager", cpu) is None
    assert chosen("compile", gpu) == "compile"
    with pytest.raises(UserError, match="--backend openvino computes on the CPU, and there is a GPU"):
        chosen("openvino", gpu)
    absent |= {"openvino"}
    assert chosen("auto", cpu) == "onnxruntime"
    with pytest.raises(UserError, match="--backend openvino needs a thing: pip install it"):
        chosen("openvino", cpu)
    absent |= {"onnxruntime", "compile"}
    assert chosen("auto", cpu) is None


def test_what_an_engine_lacks_is_named(monkeypatch):
    monkeypatch.setattr(glad.fast.importlib.util, "find_spec", lambda name: None if name == "onnx" else name)
    assert missing("openvino") == ""
    assert missing("onnxruntime") == "onnx: pip install onnx"
    monkeypatch.setattr(glad.fast.shutil, "which", lambda name: None)
    assert missing("compile") == "a C++ compiler such as g++"


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_engines_compute_what_pytorch_does_for_any_number_of_clips(name):
    if lacking := missing(name):
        pytest.skip(f"needs {lacking}")
    backbone = TinyConfig().build().eval()
    faster = Faster(backbone, 100, name)
    with torch.inference_mode():
        for n in (1, 3, 1, 3):
            torch.testing.assert_close(faster(clips(n, 16)), backbone(clips(n, 16)), rtol=CLOSE, atol=CLOSE)
    assert len(faster.proven) == 2


@pytest.mark.slow
def test_a_compiled_backbone_computes_what_pytorch_does(capsys):
    if lacking := missing("compile"):
        pytest.skip(f"needs {lacking}")
    backbone = TinyConfig().build().eval()
    faster = Faster(backbone, 100, "compile")
    with torch.inference_mode():
        for n in (2, 2):
            torch.testing.assert_close(faster(clips(n, 32)), backbone(clips(n, 32)), rtol=CLOSE, atol=CLOSE)
    assert len(faster.proven) == 1, capsys.readouterr().err


def test_onnx_runtime_takes_any_number_of_clips():
    if lacking := missing("onnxruntime"):
        pytest.skip(f"needs {lacking}")
    backbone = TinyConfig().build().eval()
    with torch.no_grad():
        engine = onnxruntime_engine(backbone, clips(1, 16))
        for n in (1, 2, 5):
            torch.testing.assert_close(engine(clips(n, 16)), backbone(clips(n, 16)), rtol=CLOSE, atol=CLOSE)
