"""What `glad predict` tells of videos: printed as it is known, and written into folders where that is asked for."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from glad.annotate import annotate
from glad.camera import Capture, open_camera, recordings
from glad.errors import UserError
from glad.files import write_text, writing
from glad.heat import write_heat_film, write_strip
from glad.predict import Predictor
from glad.progress import say, track
from glad.saliency import as_csv, saliency
from glad.sources import camera_in, short_names, videos_of
from glad.timechart import write_timeline
from glad.timeline import timeline


@dataclass(frozen=True)
class Wishes:
    """What is to be told of every video; `glad predict --help` says what each means."""

    top: int = 3
    unknown: float = 0.0
    json: bool = False
    window: float | None = None
    stride: float | None = None
    timeline: Path | None = None
    annotate: Path | None = None
    saliency: Path | None = None
    film: bool = False
    fps: float | None = None
    seconds: float = 4.0
    workers: int = 0

    def check(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("window", "stride", "fps", "seconds"):
            number = getattr(self, name)
            if number is not None and not 0 < number < float("inf"):
                raise UserError(f"--{name} is {number:g}; a number above 0 is expected")
        if self.top < 1:
            raise UserError(f"--top is {self.top}; at least one class of each video is told")
        if not 0 <= self.unknown <= 1:
            raise UserError(f"--unknown is {self.unknown:g}; a probability from 0 to 1 is expected")
        if self.window is None and (self.timeline or self.stride):
            raise UserError(
                f"--{'timeline' if self.timeline else 'stride'} is about windows; give --window SECONDS too"
            )
        if self.window is not None and self.saliency:
            raise UserError("--saliency is of whole videos; leave --window out")
        if self.film and not self.saliency:
            raise UserError("--saliency-film lies beside the pictures; give --saliency FOLDER too")

    @property
    def folders(self) -> list[Path]:
        """The folders that something is written into."""
        return [folder for folder in (self.timeline, self.annotate, self.saliency) if folder is not None]


@dataclass
class Failures:
    """Which of `total` videos could not be read; `aloud` prints a line of JSON for each."""

    total: int
    aloud: bool
    names: dict[str, None] = field(default_factory=dict)

    def note(self, name: str, problem: UserError) -> None:
        """Tell of a video that it is left out. Of a single one, and of what would be so for all, raise the reason."""
        if self.total == 1 or isinstance(problem.__cause__, OSError):  # `glad.files.writing`: a full disk
            raise problem
        self.names[name] = None
        say(f"left out: {problem}" if name in str(problem) else f"{name} is left out: {problem}")
        if self.aloud:
            print(json.dumps({"video": name, "error": str(problem)}), flush=True)

    @contextmanager
    def noted(self, name: str) -> Iterator[None]:
        """Within this block, which is about one video, note its UserError and go on."""
        try:
            yield
        except UserError as problem:
            self.note(name, problem)

    def status(self) -> int:
        """Return what the program ends in: 0 where every video could be read, 2 where none could, and else 1."""
        if not self.names:
            return 0
        say(f"{len(self.names)} of {self.total} videos could not be read; they are named above")
        return 2 if len(self.names) == self.total else 1


def tell(predictor: Predictor, words: Sequence[str], wishes: Wishes, lines: Iterable[str]) -> int:
    """Print and write what is wished for of the videos that `words` mean (`glad.sources`); return the exit status.

    `lines` are the paths for which `-` stands. A camera is watched until Ctrl-C.
    """
    if (number := camera_in(words)) is not None:
        if wishes.window or wishes.folders:
            raise UserError("of a camera there are predictions alone; leave --window, --annotate and --saliency out")
        tell_camera(predictor, open_camera(number), f"camera {number}", wishes)
        return 0
    videos = [str(path) for path in videos_of(words, lines)]
    for folder in wishes.folders:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
    failures = Failures(len(dict.fromkeys(videos)), wishes.json)
    (tell_whole if wishes.window is None else tell_windows)(predictor, videos, wishes, failures)
    return failures.status()


def tell_whole(predictor: Predictor, videos: Sequence[str], wishes: Wishes, failures: Failures) -> None:
    """Print the prediction of each video; then write what else is wished for."""
    options = {"top": wishes.top, "unknown": wishes.unknown}
    found = []
    for said in predictor.predict_all(videos, **options, workers=wishes.workers, failed=failures.note):
        print(said.as_json() if wishes.json else said.as_text(), flush=True)
        found.append(said)
    names = short_names(videos)
    if wishes.annotate is not None:
        for said in found:
            with failures.noted(said.video):
                annotate(said.video, said, wishes.annotate / f"{names[said.video]}.annotated.mp4", wishes.fps)
    if wishes.saliency is not None:
        rows = []
        for said in track(found, "saliency", len(found), "video"):
            with failures.noted(said.video):
                seen = saliency(predictor, said.video, **options)
                write_strip(wishes.saliency / f"{names[said.video]}.saliency.png", seen, predictor.recipe.test_pixels)
                rows.append(seen.row())
                if wishes.film:
                    write_heat_film(
                        wishes.saliency / f"{names[said.video]}.saliency.mp4", seen, predictor.recipe.test_pixels
                    )
        write_text(wishes.saliency / "saliency.csv", as_csv(rows))


def tell_windows(predictor: Predictor, videos: Sequence[str], wishes: Wishes, failures: Failures) -> None:
    """Print what is seen when in each video, and write what else is wished for."""
    assert wishes.window is not None
    options = {"fps": wishes.fps, "top": wishes.top, "unknown": wishes.unknown}
    names = short_names(videos)
    for video in videos:
        with failures.noted(video):
            said = timeline(predictor, video, wishes.window, wishes.stride, **options)
            lines = [json.dumps(row) for row in said.rows()] if wishes.json else [said.as_text()]
            print("\n".join(lines), flush=True)
            if wishes.timeline is not None:
                write_timeline(wishes.timeline, names[video], said)
            if wishes.annotate is not None:
                annotate(video, said, wishes.annotate / f"{names[video]}.annotated.mp4", wishes.fps)


def tell_camera(predictor: Predictor, capture: Capture, name: str, wishes: Wishes) -> None:
    """Print what a camera sees, every `wishes.seconds`, until Ctrl-C."""
    say(f"{name}: a prediction of every {wishes.seconds:g} s; Ctrl-C ends")
    try:
        for frames in recordings(capture, wishes.seconds):
            said = replace(predictor.predict(frames, top=wishes.top, unknown=wishes.unknown), video=name)
            print(said.as_json() if wishes.json else said.as_text(), flush=True)
    except KeyboardInterrupt:
        say("")
