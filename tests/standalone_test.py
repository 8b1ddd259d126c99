"""The script in `examples/` runs an exported model without glad and PyTorch, and says what `glad predict` says."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glad.augment import Spatial
from glad.data.domain import Domain
from glad.data.held import Given
from glad.evaluate import answers
from glad.export import export
from glad.interface import frame_rules, pixel_rule
from glad.run import Run
from glad.sampling import Grid, Nodes, Ordered, Quarters, Sampler, Segments
from glad.training import train

SCRIPT = Path(__file__).resolve().parent.parent / "examples" / "onnx_predict.py"
SAMPLERS = (
    Segments(),
    Segments(length=5, interval=3, locals_are="adjacent", local_views=3, ordered_clips=2, short="repeat_last"),
    Grid(length=6, clips=3, interval=1, local_rows=(2, 0), global_columns=(5, 1), ordered_clips=4),
    Ordered(placed="adjacent"),
    Quarters(),
    Nodes(),
)
PIXELS = (
    Spatial(size=16, short_side=20, crop="center", flip=0.0),
    Spatial(size=12, short_side=None, crop="none", flip=0.0, shrink="area"),
    Spatial(size=24, short_side=32, square=True, crop="center", flip=0.0, shrink="area"),
    Spatial(size=40, short_side=36, crop="center", flip=0.0),
)


@pytest.fixture(scope="session")
def script() -> ModuleType:
    """The script as a module; it needs onnxruntime."""
    pytest.importorskip("onnxruntime", reason="needs the extra export")
    spec = importlib.util.spec_from_file_location("onnx_predict", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@given(sampler=st.sampled_from(SAMPLERS), n=st.integers(1, 2000))
def test_it_takes_the_frames_that_glad_takes(script: ModuleType, sampler: Sampler, n: int):
    views = sampler.views(n, None)
    assert {view: script.indices(rule, n).tolist() for view, rule in frame_rules(sampler).items()} == {
        view: frames.tolist() for view, frames in views.items()
    }


@pytest.mark.parametrize("spatial", PIXELS)
@pytest.mark.parametrize("height, width", [(48, 64), (33, 47), (90, 30), (16, 16)])
def test_it_sees_the_pixels_that_glad_sees(script: ModuleType, spatial: Spatial, height: int, width: int):
    rng = np.random.default_rng([height, width])
    coarse = rng.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3))
    frame = np.kron(coarse, np.ones((4, 4, 1)))[:height, :width].astype(np.uint8)
    seen = script.seen(frame, pixel_rule(spatial)).transpose(1, 2, 0).astype(int)
    difference = np.abs(seen - spatial.apply(frame[None], None)[0])
    twice = 2 if spatial.short_side else 1  # resized so often, each time rounded
    assert difference.max() <= twice and difference.mean() < 0.3


@pytest.fixture(scope="module")
def run(square_recipe, tmp_path_factory) -> Run:
    pixels = Spatial(size=32, short_side=40, crop="center", flip=0.0, shrink="area")
    return train(square_recipe(test_pixels=pixels, steps=30), tmp_path_factory.mktemp("alone") / "run", workers=0)


@pytest.fixture(scope="module")
def model(run: Run) -> Path:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason="needs the extra export")
    return export(run, run.folder.parent / "out")[0].file


def write_video(path: Path, turned: int = 0) -> Path:
    """Write 25 frames of a square that crosses a coloured field, as mp4; `turned` in degrees when shown."""
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3))
    field = np.kron(coarse, np.ones((12, 12, 1))).astype(np.uint8)
    with av.open(path, "w") as container:
        stream = container.add_stream("h264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 72, "yuv420p"
        stream.set_display_rotation(turned)
        for index in range(25):
            frame = field.copy()
            frame[20:40, 3 * index : 3 * index + 20] = 255
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def check_alike(script: ModuleType, model: Path, run: Run, video: Path) -> None:
    """Check the probabilities of every class, and what the script prints."""
    domain = Domain(Given((video,)), run.recipe.test_views, run.recipe.test_pixels)
    expected = answers({0: run.method(run.selected())}, domain, 0, lambda _: None)[0].probabilities[0]
    named = dict(script.predicted(str(model), str(video)))
    assert [named[name] for name in run.classes] == pytest.approx(expected, abs=1e-3)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(model), str(video)], capture_output=True, text=True, check=True
    )
    best = run.classes[int(np.argmax(expected))]
    assert done.stdout.splitlines()[0] == f"{best} {100 * named[best]:.1f} %"


@pytest.mark.slow
@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_it_says_of_a_made_up_video_what_glad_says(
    turned: int, script: ModuleType, model: Path, run: Run, tmp_path: Path
):
    check_alike(script, model, run, write_video(tmp_path / "clip.mp4", turned))


@pytest.mark.slow
def test_it_says_of_real_videos_what_glad_says(script: ModuleType, model: Path, run: Run, shared_data: Path):
    videos = sorted((shared_data / "real_clips").glob("*.mp4"), key=lambda path: path.stat().st_size)
    if not videos:
        pytest.skip("needs shared/data/real_clips beside the repository")
    for video in videos[:4]:  # small ones
        check_alike(script, model, run, video)


@pytest.mark.slow
def test_it_needs_neither_glad_nor_pytorch(model: Path, tmp_path: Path):
    video = write_video(tmp_path / "clip.mp4")
    code = f"""
import runpy, sys
for name in ("glad", "torch", "cv2"):
    sys.modules[name] = None
sys.argv = ["onnx_predict.py", {str(model)!r}, {str(video)!r}]
runpy.run_path({str(SCRIPT)!r}, run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 2 and done.stdout.endswith(" %\n")


def test_the_metadata_beside_the_model_are_those_inside(model: Path):
    import onnxruntime

    inside = json.loads(onnxruntime.InferenceSession(str(model)).get_modelmeta().custom_metadata_map["glad"])
    beside = json.loads(model.with_name("model.json").read_text())
    assert beside | {"files": None} == inside | {"files": None}
