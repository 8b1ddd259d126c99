"""The log of a run: a JSON line and TensorBoard scalars every few steps, averaged over them."""

import json
import time
from typing import Self

from glad.batch import Losses
from glad.files import writing
from glad.run import Run

EVERY = 10  # steps


class RunLog:
    """Writes `log.jsonl` and TensorBoard events into a run folder; a context manager, whose end flushes both.

    What an earlier call logged beyond the `first` steps is forgotten: it is done again. Only one process `writes`.
    """

    def __init__(self, run: Run, steps_per_epoch: int, first: int = 0, writes: bool = True) -> None:
        self.run = run
        self.steps_per_epoch = steps_per_epoch
        self.first, self.writes = first, writes
        self.sums: dict[str, dict[str, float]] = {"terms": {}, "stats": {}}
        self.count, self.wait, self.since, self.note = 0, 0.0, time.monotonic(), ""

    def __enter__(self) -> Self:
        if self.writes:
            from torch.utils.tensorboard import SummaryWriter

            self.run.truncate_log(self.first)
            with writing(self.run.folder):
                self.lines = self.run.log.open("a", encoding="utf-8")
                self.board = SummaryWriter(str(self.run.folder / "tensorboard"), purge_step=self.first + 1)
        return self

    def __exit__(self, *error: object) -> None:
        if self.count:
            self._write(self.at, self.lr)
        if self.writes:
            self.lines.close()
            self.board.close()

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
        return self.note

    def _write(self, done: int, lr: float) -> None:
        """Write the average since the last line."""
        mean = {kind: {name: total / self.count for name, total in sums.items()} for kind, sums in self.sums.items()}
        seconds = time.monotonic() - self.since
        line = {
            "step": done,
            "epoch": done / self.steps_per_epoch,
            "total": sum(mean["terms"].values()),
            "lr": lr,
            **mean,
            "seconds_per_step": seconds / self.count,
            "data_wait": self.wait / seconds if seconds else 0.0,
        }
        with writing(self.run.log):
            self.lines.write(json.dumps(line) + "\n")
            self.lines.flush()
        for kind, values in mean.items():
            for name, value in values.items():
                self.board.add_scalar(f"{kind}/{name}", value, done)
        self.board.add_scalar("lr", lr, done)
        self.note = " ".join(f"{name} {value:.3f}" for name, value in mean["terms"].items())
        self.sums = {"terms": {}, "stats": {}}
        self.count, self.wait, self.since = 0, 0.0, time.monotonic()
