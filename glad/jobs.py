"""Runs beside one another: each in a process of its own, as many as the machine holds; a failure stops no other."""

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from glad.errors import UserError
from glad.progress import listened, progress

ROOM = 3 * 2**29  # bytes: a run of the miniature takes 0.7 to 1.2 GiB (docs/results)


@dataclass(frozen=True)
class Job:
    """A call that is made in a process of its own: `call(*given)` returns a short note of what came out."""

    name: str
    call: Callable[..., str]
    given: tuple[Any, ...]


def jobs_that_fit() -> int:
    """Return how many runs of the size of the miniature's the machine holds at once; one where there is a GPU."""
    import torch

    if torch.cuda.is_available():
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, free_memory() // ROOM))


def free_memory() -> int:
    """Return the bytes that programs may still take, caches that can be dropped counted; plenty where unknown."""
    try:
        found = dict(line.split(":") for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
        return 1024 * int(found["MemAvailable"].split()[0])
    except (OSError, KeyError):
        return 2**40


def run_all(jobs: Sequence[Job], at_once: int, title: str) -> list[str]:
    """Do all jobs and return what went wrong, a sentence for each that failed.

    While they run it is shown how far each has come. On Ctrl-C they are told to save and stop, are waited for, and no
    other begins.
    """
    waiting, running, failed = list(jobs), {}, []
    news: dict[str, str] = {}  # by job, what it last said of its progress
    with progress(title, len(jobs)) as bar:
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    job = waiting.pop(0)
                    process, said = started(job)
                    running[process.sentinel] = (job, process, said, [])
                for sentinel in wait(list(running), timeout=1.0):
                    job, process, said, told = running.pop(sentinel)
                    process.join()
                    good, note = outcome(process, [*told, *heard(said)])
                    news.pop(job.name, None)
                    if not good:
                        failed.append(f"{job.name}: {note}")
                    bar.advance(note=f"{job.name}: {note}")
                for job, _, said, told in running.values():
                    told[:] = [*told, *heard(said)][-1:]
                    if told and isinstance(told[0], str):
                        news[job.name] = told[0]
                if news:
                    bar.advance(0, note="; ".join(f"{name}: {one}" for name, one in news.items()))
        except BaseException:
            for _, process, *_ in running.values():
                process.terminate()
            for _, process, *_ in running.values():
                process.join()
            raise
    return failed


def started(job: Job) -> tuple[BaseProcess, Connection]:
    """Return a fresh process that does `job`, and where it will say what came out.

    Fresh, since this process may have used threads, which a fork would not survive. Ctrl-C at a terminal is for this
    process alone, which passes it on.
    """
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_do, args=(job, there))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process.start()
    finally:
        signal.signal(signal.SIGINT, before)
    there.close()
    return process, here


def heard(said: Connection) -> list[str | tuple[bool, str]]:
    """Return what a process has said since it was last heard: lines on its progress, and then what came out."""
    found = []
    with suppress(EOFError):
        while said.poll():
            found.append(said.recv())
    return found


def outcome(process: BaseProcess, told: Sequence[str | tuple[bool, str]]) -> tuple[bool, str]:
    """Return whether an ended process did its job, and what came out; one that did not say was killed."""
    if told and isinstance(told[-1], tuple):
        return told[-1]
    code = process.exitcode or 0
    how = f"by {signal.Signals(-code).name}, probably for lack of memory" if code < 0 else f"with status {code}"
    return False, f"its process ended {how}; try fewer --jobs"


def _do(job: Job, said: Connection) -> None:
    """Do a job in this process, in a session of its own, and say how it goes and what came out."""
    os.setsid()

    def tell(line: str) -> None:
        with suppress(OSError):  # whoever started it may be gone; what is done is saved all the same
            said.send(line)

    try:
        with listened(tell):
            note = job.call(*job.given)
        said.send((True, note))
    except UserError as problem:
        said.send((False, str(problem)))
