"""How far long work has come, with a rate and the time left: a bar on a terminal, a plain line a minute elsewhere."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import monotonic
from typing import Protocol, TypeVar

T = TypeVar("T")
Listener = Callable[[str], None]

MINUTE = 60.0  # seconds from one plain line to the next
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


class Bar(Protocol):
    """What the body of `progress` may do with its bar."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count `steps` as done; `note` (say, the losses) is shown below the bar."""


@contextmanager
def progress(title: str, total: int, unit: str = "it", done: int = 0, *, shown: bool = True) -> Iterator[Bar]:
    """Show a bar of `total` units, `done` of them finished before; plain lines when stderr is not a terminal.

    What is not `shown` is counted in silence: one of several processes speaks for all.
    """
    from rich.console import Console, RenderableType
    from rich.padding import Padding
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column
    from rich.text import Text

    console, listener = Console(stderr=True), _listener.get()
    if not shown or listener is not None or not console.is_terminal:
        every = inf if not shown else MINUTE if listener is None else 1.0
        yield _Lines(title, total, unit, done, listener or say, every)
        return
    columns = (
        TextColumn("{task.description}", table_column=Column(no_wrap=True)),
        BarColumn(bar_width=16),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[rate]}", table_column=Column(no_wrap=True)),
        TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
    )

    class _Noted(Progress):
        """A bar with its note below it, on as many lines as that takes."""

        def get_renderables(self) -> Iterable[RenderableType]:
            yield from super().get_renderables()
            if self.tasks and (note := self.tasks[0].fields["note"]):
                yield Padding(Text(note, style="dim"), (0, 0, 0, 2))

    with _Noted(*columns, console=console) as bar:
        task = bar.add_task(title, total=total, completed=done, rate="", note="")

        class _Bar:
            def advance(self, steps: int = 1, note: str = "") -> None:
                speed = bar.tasks[0].speed
                rate = f"{speed:.1f} {unit}/s" if speed else ""
                bar.update(task, advance=steps, rate=rate, note=note)

        yield _Bar()


@contextmanager
def listened(listener: Listener) -> Iterator[None]:
    """Within this block, hand the line on how far the work has come to `listener`, at most every second."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


class _Lines:
    """Tells how far the work has come in lines of plain text, one in `every` seconds at most."""

    def __init__(self, title: str, total: int, unit: str, done: int, tell: Listener, every: float) -> None:
        self.title, self.total, self.unit, self.done, self.first = title, total, unit, done, done
        self.tell, self.every = tell, every
        self.begun = self.told = monotonic()

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.done += steps
        if (now := monotonic()) - self.told < self.every:
            return
        self.told = now
        parts = [f"{self.title}: {self.done} of {self.total}"]
        if rate := (self.done - self.first) / (now - self.begun):
            parts += [f"{rate:.2g} {self.unit}/s" if rate < 10 else f"{rate:.0f} {self.unit}/s"]
            parts += [f"{duration((self.total - self.done) / rate)} left"]
        self.tell(", ".join([*parts, note] if note else parts))


def duration(seconds: float) -> str:
    """Return a time as a person would say it."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 99.5 * 60 else f"{seconds / 3600:.1f} h"


def say(text: str) -> None:
    """Print a line about what is going on to stderr, where the progress bars are."""
    print(text, file=sys.stderr, flush=True)


def track(items: Iterable[T], title: str, total: int, unit: str = "it") -> Iterator[T]:
    """Yield `items` under a progress bar."""
    with progress(title, total, unit) as bar:
        for item in items:
            yield item
            bar.advance()
