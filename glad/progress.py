"""A progress bar with a rate and the time left on a terminal; nothing elsewhere."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")


class Bar(Protocol):
    """What the body of `progress` may do with its bar."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count `steps` as done; `note` (say, the losses) is shown after the bar."""


@contextmanager
def progress(title: str, total: int, unit: str = "it", done: int = 0) -> Iterator[Bar]:
    """Show a bar of `total` units, `done` of them finished before; quiet when stderr is not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", table_column=Column(no_wrap=True)),
        BarColumn(bar_width=16),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[rate]}", table_column=Column(no_wrap=True)),
        TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
        # The note takes what room is left, and is cut there.
        TextColumn("[dim]{task.fields[note]}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
    )
    with Progress(*columns, console=console, expand=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(title, total=total, completed=done, rate="", note="")

        class _Bar:
            def advance(self, steps: int = 1, note: str = "") -> None:
                speed = shown.tasks[0].speed
                rate = f"{speed:.1f} {unit}/s" if speed else ""
                shown.update(task, advance=steps, rate=rate, note=note)

        yield _Bar()


def say(text: str) -> None:
    """Print a line about what is going on to stderr, where the progress bars are."""
    print(text, file=sys.stderr, flush=True)


def track(items: Iterable[T], title: str, total: int, unit: str = "it") -> Iterator[T]:
    """Yield `items` under a progress bar."""
    with progress(title, total, unit) as bar:
        for item in items:
            yield item
            bar.advance()
