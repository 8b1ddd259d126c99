"""Calls a function on many things in several processes, of which any may die without taking the rest with it."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Died:
    """In place of a result: the process at work on it died, and so did a second one."""


def results(function: Callable[[T], R], things: Sequence[T], workers: int) -> Iterator[tuple[T, R | Died]]:
    """Yield every thing with what `function` returned for it, as they are done; what it raises is raised here.

    Without workers it runs in this process, and what kills it kills all. When a worker dies, the things that were at
    work are tried one at a time, each in a process of its own, and the one that kills that too is yielded with `Died`.
    """
    workers = min(workers, len(things))
    if workers < 1:
        yield from ((thing, function(thing)) for thing in things)
        return
    waiting = deque(things)
    while waiting:
        running: dict[Future[R], T] = {}
        with _pool(workers) as pool:
            try:
                while waiting or running:
                    while waiting and len(running) < 2 * workers:
                        running[pool.submit(function, waiting[0])] = waiting[0]
                        waiting.popleft()
                    for task in wait(running, return_when=FIRST_COMPLETED).done:
                        result = task.result()
                        yield running.pop(task), result
            except BrokenProcessPool:
                pass
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        for thing in running.values():
            with _pool(1) as pool:
                try:
                    result = pool.submit(function, thing).result()
                except BrokenProcessPool:
                    result = Died()
            yield thing, result


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _pool(workers: int) -> ProcessPoolExecutor:
    # "spawn", since a forked child of a process with threads may hang.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_settle)


def _settle() -> None:
    """Settle a process of the pool: it computes in one thread, is silent on Ctrl-C, and ends when its parent does."""
    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if parent := parent_process():
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
