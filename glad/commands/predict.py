"""The command that names the action in videos. It imports what it needs when it is called."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from glad.commands.workers import Workers

Backend = Literal["auto", "openvino", "onnxruntime", "compile", "eager"]  # as in glad.fast, which imports torch


def predict(
    run: Annotated[Path, Positional, arg(metavar="RUN")],
    videos: Annotated[tuple[str, ...], Positional, arg(metavar="VIDEO ...")],
    top: int = 3,
    unknown: float = 0.0,
    json: bool = False,
    window: float | None = None,
    stride: float | None = None,
    timeline: Path | None = None,
    annotate: Path | None = None,
    saliency: Path | None = None,
    saliency_film: bool = False,
    fps: float | None = None,
    seconds: float = 4.0,
    workers: Workers = 0,
    backend: Backend = "auto",
) -> None:
    """Name the action in videos, or what happens when in long ones (docs/predict.md).

    A video that cannot be read is named on stderr and does not stop the others; the exit status is then 1, and 2 where
    none could be read.

    Args:
        run: a run folder.
        videos: video files, folders of frames, folders that hold videos and stand for all of them, patterns in quotes
            ('clips/*.mp4'), - for paths on stdin, one a line, or the number of a camera.
        top: how many classes of each video.
        unknown: below this probability the class is "unknown". That is no measure of how new something is: what a run
            never saw it may well call by a class that it knows, and be sure.
        json: print one JSON object per video, or with --window per window.
        window: predict every window of so many seconds, and print what was seen from when to when.
        stride: seconds from the start of one window to that of the next; not given, those of a window.
        timeline: folder for what was seen when in each video, as CSV, JSON and picture; with --window.
        annotate: folder for the videos with the most probable classes burnt in, as MP4.
        saliency: folder for pictures of where the run looked, and saliency.csv.
        saliency_film: write them as MP4, too.
        fps: frames per second of what does not say it: folders of frames and packs.
        seconds: of a camera, how long is recorded for each prediction.
        workers: processes that load videos; with --window each video is read once, by this process.
        backend: what computes the backbone on a CPU. `auto` is the fastest that is installed, once there is enough to
            predict; its answers are compared with those of PyTorch, which is `eager`, before they are used.
    """
    from glad.commands.runs import some
    from glad.predict import Predictor
    from glad.run import Run
    from glad.tell import Wishes, tell

    wishes = Wishes(
        top=top,
        unknown=unknown,
        json=json,
        window=window,
        stride=stride,
        timeline=timeline,
        annotate=annotate,
        saliency=saliency,
        film=saliency_film,
        fps=fps,
        seconds=seconds,
        workers=workers,
    )
    wishes.check()
    words = some(videos, "video")
    if status := tell(Predictor(Run(run), backend=backend), words, wishes, sys.stdin):
        raise SystemExit(status)
