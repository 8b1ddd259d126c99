"""Jobs run beside one another, a failure stops no other, and Ctrl-C lets each one save before the last word."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from glad import jobs
from glad.errors import UserError
from glad.jobs import Job, free_memory, jobs_that_fit, run_all
from glad.progress import progress


def job(kind: str, path: Path) -> str:
    if kind == "refused":
        raise UserError("no such video")
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    path.write_text(str(os.getpid()))
    return "done"


def patient(path: Path) -> str:
    """Wait until told to stop, and say in a file how that went."""
    signal.signal(signal.SIGTERM, lambda *_: path.with_suffix(".saved").write_text("saved") and sys.exit(3))
    path.write_text("begun")
    time.sleep(60)
    return "never"


def test_what_fails_is_named_and_the_others_are_done(tmp_path):
    kinds = ("fine", "refused", "killed", "fine")
    todo = [Job(f"{kind} {k}", job, (kind, tmp_path / str(k))) for k, kind in enumerate(kinds)]
    failed = run_all(todo, 2, "jobs")
    assert sorted(failed) == [
        "killed 2: its process ended by SIGKILL, probably for lack of memory; try fewer --jobs",
        "refused 1: no such video",
    ]
    pids = {(tmp_path / name).read_text() for name in "03"}
    assert len(pids) == 2 and str(os.getpid()) not in pids, "each in a process of its own"
    assert run_all([], 2, "jobs") == []


def watched(path: Path) -> str:
    """Make steps until told that the last line arrived."""
    with progress("steps", 10**6, "step") as bar:
        until = time.monotonic() + 30
        while not path.exists() and time.monotonic() < until:
            time.sleep(0.05)
            bar.advance(note="loss 0.5")
    return "done"


def test_how_far_a_run_has_come_is_shown_while_it_runs(tmp_path, monkeypatch):
    """On every look, here; once a minute where nobody sits at a terminal."""
    shown = []

    class Notes:
        def advance(self, steps: int = 1, note: str = "") -> None:
            shown.append((steps, note))
            if not steps:
                (tmp_path / "seen").touch()

    monkeypatch.setattr(jobs, "progress", lambda title, total: nullcontext(Notes()))
    assert run_all([Job("a seed 0", watched, (tmp_path / "seen",))], 1, "jobs") == []
    assert shown[-1] == (1, "a seed 0: done")
    assert re.fullmatch(r"a seed 0: steps: \d+ of 1000000, \d+ step/s, .* left, loss 0\.5", shown[0][1])


def test_runs_at_once_are_limited_by_cores_and_memory(monkeypatch):
    monkeypatch.setattr(jobs.os, "sched_getaffinity", lambda _: set(range(8)))
    for gigabytes, fit in ((4.5, 3), (100, 8), (0.1, 1)):
        monkeypatch.setattr(jobs, "free_memory", lambda gigabytes=gigabytes: int(gigabytes * 2**30))
        assert jobs_that_fit() == fit


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="needs /proc/meminfo")
def test_memory_that_caches_hold_counts_as_free():
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 0.5 < free_memory() < total


SCRIPT = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background may run with Ctrl-C ignored
sys.path.insert(0, {folder!r})
from jobs_test import patient
from glad.jobs import Job, run_all
if __name__ == "__main__":
    run_all([Job("a", patient, (Path({out!r}) / "a",)), Job("b", patient, (Path({out!r}) / "b",))], 1, "jobs")
"""


@pytest.mark.slow
def test_ctrl_c_is_passed_on_once_and_waited_for(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT.format(folder=str(Path(__file__).parent), out=str(tmp_path)))
    running = subprocess.Popen([sys.executable, tmp_path / "script.py"], start_new_session=True, stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while not (tmp_path / "a").exists():
        assert time.monotonic() < until and running.poll() is None
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does, to the whole group
    running.communicate(timeout=60)
    assert running.returncode == -signal.SIGINT
    assert (tmp_path / "a.saved").read_text() == "saved" and not (tmp_path / "b").exists()
