"""The log of a run: a JSON line every few steps, averaged over them, and the same on a board, with pictures."""

import json
import time
from collections.abc import Mapping
from typing import Self

from glad.batch import Batch, Losses
from glad.board import BoardName, board_of
from glad.data.loader import Steps
from glad.files import writing
from glad.run import Run
from glad.seen import pictures

EVERY = 10  # steps
LOOKS = 5  # pictures of what the network sees in a whole training; one more where it goes on after an interruption
DOMAIN = "accuracy_domain_"  # how the statistics begin that say how well a domain classifier does


class RunLog:
    """Writes `log.jsonl` into a run folder, and shows it on a board; a context manager, whose end flushes both.

    What an earlier call logged beyond the `first` steps is forgotten: it is done again. Only one process `writes`.
    """

    def __init__(
        self, run: Run, steps_per_epoch: int, first: int = 0, writes: bool = True, board: BoardName = "tensorboard"
    ) -> None:
        self.run = run
        self.steps_per_epoch = steps_per_epoch
        self.first, self.writes = first, writes
        self.shown_on: BoardName = board
        self.sums: dict[str, dict[str, float]] = {"terms": {}, "stats": {}}
        self.count, self.wait, self.since, self.note = 0, 0.0, time.monotonic(), ""
        self.looked: int | None = None

    def __enter__(self) -> Self:
        if self.writes:
            self.run.truncate_log(self.first)
            self.board = board_of(self.shown_on, self.run, self.first)
            with writing(self.run.folder):
                self.lines = self.run.log.open("a", encoding="utf-8")
            self.since = time.monotonic()
        return self

    def __exit__(self, *error: object) -> None:
        if self.count:
            self._write(self.at, self.lr)
        if self.writes:
            self.lines.close()
            self.board.close(good=error[0] is None)

    def look(self, steps: Steps, batch: Batch, step: int) -> None:
        """Show what the network sees of `batch`, which is that of step `step` of `steps`, now and then."""
        turn = int(LOOKS * batch.progress)
        if self.writes and self.shown_on != "none" and turn != self.looked:
            self.looked = turn
            for name, pixels in pictures(steps, batch, step).items():
                self.board.picture(f"seen/{name}", pixels, step)

    def step(self, done: int, losses: Losses, lr: float, waited: float) -> str:
        """Take in the step that made `done` steps; return a line about the latest average.

        Args:
            lr: base learning rate of the step.
            waited: seconds the step waited for its batch.
        """
        if not self.writes:
            return ""
        for kind, values in (("terms", losses.terms), ("stats", losses.stats)):
            for name, value in values.items():
                self.sums[kind][name] = self.sums[kind].get(name, 0.0) + float(value.detach())
        self.count += 1
        self.wait += waited
        self.at, self.lr = done, lr
        if done % EVERY == 0:
            self._write(done, lr)
        return self.note or note_of(*self._averages())

    def _averages(self) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
        """Return terms, stats and pace since the last line."""
        terms, stats = ({name: total / self.count for name, total in sums.items()} for sums in self.sums.values())
        seconds = time.monotonic() - self.since
        pace = {"seconds_per_step": seconds / self.count, "data_wait": self.wait / seconds if seconds else 0.0}
        return terms, stats, pace

    def _write(self, done: int, lr: float) -> None:
        """Write the average since the last line."""
        terms, stats, pace = self._averages()
        line = {
            "step": done,
            "epoch": done / self.steps_per_epoch,
            "total": sum(terms.values()),
            "lr": lr,
            "terms": terms,
            "stats": stats,
            **pace,
        }
        with writing(self.run.log):
            self.lines.write(json.dumps(line) + "\n")
            self.lines.flush()
        shown = {f"terms/{name}": value for name, value in terms.items()}
        shown |= {f"stats/{name}": value for name, value in stats.items()}
        self.board.scalars(shown | {"total": line["total"], "lr": lr} | pace, done)
        self.note = note_of(terms, stats, pace)
        self.sums = {"terms": {}, "stats": {}}
        self.count, self.wait, self.since = 0, 0.0, time.monotonic()


def note_of(terms: Mapping[str, float], stats: Mapping[str, float], pace: Mapping[str, float]) -> str:
    """Return a line about a training: terms, how often each domain classifier is right, how much it waits for data."""
    parts = [" ".join(f"{name} {value:.3f}" for name, value in terms.items())]
    right = {name.removeprefix(DOMAIN): value for name, value in stats.items() if name.startswith(DOMAIN)}
    if right:
        parts.append("domain accuracy " + " ".join(f"{name} {value:.2f}" for name, value in right.items()))
    return ", ".join([*parts, f"data wait {100 * pace['data_wait']:.0f} %"])
