"""Runs beside one another: each in a process of its own, as many as the machine holds; a failure stops no other."""

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from glad.errors import UserError
from glad.progress import progress

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

    On Ctrl-C those that run are told to save and stop, are waited for, and no other begins.
    """
    waiting, running, failed = list(jobs), {}, []
    with progress(title, len(jobs)) as bar:
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    job = waiting.pop(0)
                    process, said = started(job)
                    running[process.sentinel] = (job, process, said)
                for sentinel in wait(list(running)):
                    job, process, said = running.pop(sentinel)
                    process.join()
                    good, note = outcome(process, said)
                    if not good:
                        failed.append(f"{job.name}: {note}")
                    bar.advance(note=f"{job.name}: {note}")
        except BaseException:
            for _, process, _ in running.values():
                process.terminate()
            for _, process, _ in running.values():
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


def outcome(process: BaseProcess, said: Connection) -> tuple[bool, str]:
    """Return whether an ended process did its job, and what it said; one that said nothing was killed."""
    try:
        return said.recv()
    except EOFError:
        code = process.exitcode or 0
        how = f"by {signal.Signals(-code).name}, probably for lack of memory" if code < 0 else f"with status {code}"
        return False, f"its process ended {how}; try fewer --jobs"


def _do(job: Job, said: Connection) -> None:
    """Do a job in this process, in a session of its own, and say what came out."""
    os.setsid()
    try:
        said.send((True, job.call(*job.given)))
    except UserError as problem:
        said.send((False, str(problem)))
