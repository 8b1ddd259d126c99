"""Work on many videos in several processes: it goes on where it stopped, and names what could not be done."""

import errno
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple

from glad.data.blame import reason
from glad.data.frames import FrameLayout
from glad.data.pool import Died, results
from glad.data.state import video_state
from glad.data.video import Video, open_video
from glad.errors import UserError
from glad.files import atomic, writing
from glad.ours import check_ours
from glad.progress import progress, say

try:
    import fcntl
except ImportError:  # Windows: two runs on one folder are then not kept apart
    fcntl = None

MANIFEST = "manifest.jsonl"
QUARANTINE = "quarantine.txt"
_OPENING = '{"result":'  # of the manifest, and of every line of it
_UNFINISHED = ".glad-unfinished"  # inside the folder of results: what is moved to its place once it is whole
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_NAMED = 10  # failures an error names before it refers to the file

Facts = dict[str, Any]  # what is known of a result, as JSON


@dataclass(frozen=True)
class Job:
    """One video, or a span of it, and where what is made of it will stand."""

    result: str  # a file or folder, relative to the folder of results
    listed: str  # the path of the video as the list has it
    path: Path
    offset: int = 0
    length: int | None = None
    layout: FrameLayout | None = None
    origin: str = ""

    def video(self) -> Video:
        """Return the video, opened; `UserError` where it is missing."""
        return open_video(self.path, offset=self.offset, length=self.length, layout=self.layout, origin=self.origin)

    def state(self) -> list[list[int]] | None:
        """Return by what another video is told (`video_state`); None where it is missing."""
        return video_state(self.path, self.offset, self.length, self.layout)


Make = Callable[[Job, Path], Facts]  # writes the result of a job to a path where nothing is; must be picklable
Whole = Callable[[Path, Facts], bool]  # whether a result of which the manifest knows is still there


@dataclass(frozen=True)
class Outcome:
    """What became of all jobs, by the name of their result.

    Attributes:
        made: how many results were made now.
        kept: how many were there before.
        facts: the lines of the manifest about what is there; empty where it was there without one.
        failed: why there is no result.
    """

    made: int
    kept: int
    facts: dict[str, Facts]
    failed: dict[str, str]


def outcome(
    jobs: Sequence[Job],
    folder: Path,
    make: Make,
    settings: Facts,
    *,
    title: str,
    workers: int = 0,
    whole: Whole = lambda path, facts: path.exists(),
    adopt: bool = False,
) -> Outcome:
    """Do `jobs`, each with a result of its own (`check_apart`), and return what became of them.

    Results stand below `folder`. One is kept when `manifest.jsonl` there says that it was made of this very video
    with these `settings`. One without a line in the manifest is kept with `adopt` unless it is older than its video;
    without `adopt` it is refused, for it is not ours to replace. Whenever a run is killed, a result is there as a
    whole and with its line, or not at all. A second run on the same folder waits for the first.

    A video that fails, or that takes its process down, does not stop the others; `quarantine.txt` lists all that
    failed, and the next run tries them again. A full disk raises `UserError` at once; what is done is kept.
    """
    check_folder(folder)
    known = _manifest(folder)
    plan = _plan(jobs, folder, known, settings, whole, adopt)
    failed: dict[str, str] = {}
    if plan.todo or not (folder / MANIFEST).exists() or (folder / _UNFINISHED).exists():
        with locked(folder) as manifest:
            known = _manifest(folder)  # another run may have written while this one waited
            plan = _plan(jobs, folder, known, settings, whole, adopt)
            if plan.again:
                counts = ", ".join(f"{count} {why}" for why, count in sorted(plan.again.items()))
                say(f"{title}: {sum(plan.again.values())} are made again ({counts})")
            with progress(title, len(jobs), "videos", done=plan.kept) as bar:
                for job, problem in _done(plan.todo, folder, make, settings, known, manifest, workers):
                    if problem:
                        failed[job.result] = problem
                    bar.advance(note=f"{len(failed)} failed" if failed else "")
    made = len(plan.todo) - len(failed)
    failed |= plan.refused
    failed = {job.result: failed[job.result] for job in jobs if job.result in failed}  # in their order
    write_quarantine(folder, [(job.listed, failed[job.result]) for job in jobs if job.result in failed])
    facts = {job.result: known.get(job.result, {}) for job in jobs if job.result not in failed}
    return Outcome(made, plan.kept, facts, failed)


def check_folder(folder: Path, names: Iterable[str] = ()) -> None:
    """Refuse a folder of results that holds files of others, called like the manifest, the quarantine or `names`."""
    check_ours(folder, (QUARANTINE, *names), MANIFEST, _OPENING)


def check_apart(jobs: Iterable[Job], file: Path) -> None:
    """Refuse jobs, as listed in `file`, whose results are one, or one inside the other."""
    owners: dict[str, Job] = {}
    for job in jobs:
        if (other := owners.setdefault(job.result, job)) is not job:
            raise UserError(
                f"{job.origin or file}: {job.listed} and {other.listed} would share {job.result}; give every video a "
                "name of its own"
            )
    for result, job in owners.items():
        for parent in Path(result).parents:
            if other := owners.get(parent.as_posix()):
                raise UserError(
                    f"{job.origin or file}: what is made of {job.listed} would stand inside {other.result}, which is "
                    f"made of {other.listed}; give every video a name of its own"
                )


def check_outside(folder: Path, videos: Path) -> None:
    """Refuse a folder of results inside the folder that is searched for videos: they would be taken for videos."""
    if videos.is_dir() and folder.resolve().is_relative_to(videos.resolve()):
        raise UserError(
            f"{folder} lies in {videos}, whose videos are asked for; the next run would take what is written there "
            "for videos as well, so choose a folder outside"
        )


def write_quarantine(folder: Path, failed: Sequence[tuple[str, str]]) -> None:
    """Write `folder/quarantine.txt`, a line `path<TAB>reason` for each failure; without failures, remove it."""
    file = folder / QUARANTINE
    if failed:
        text = "".join(f"{path}\t{' '.join(why.split())}\n" for path, why in failed)
        with atomic(file) as temporary:
            temporary.write_bytes(text.encode("utf-8", "surrogateescape"))
    elif file.exists():
        file.unlink()


def failure(folder: Path, noun: str, total: int, failed: Sequence[str]) -> UserError:
    """Return the error which says that of `total` nouns these `failed`."""
    shown = list(failed[:_NAMED])
    if more := len(failed) - len(shown):
        shown.append(f"and {more} more")
    return UserError(
        f"{len(failed)} of {total} {noun} could not be made"
        + (f"; the others are in {folder}" if len(failed) < total else "")
        + f"; {folder / QUARANTINE} lists what failed:\n"
        + "\n".join(shown)
    )


# what there is to do -------------------------------------------------------------------------------------------------


class _Plan(NamedTuple):
    todo: list[Job]
    kept: int
    again: Counter[str]  # of those to do, what is replaced and why
    refused: dict[str, str]


def _plan(
    jobs: Sequence[Job], folder: Path, known: dict[str, Facts], settings: Facts, whole: Whole, adopt: bool
) -> _Plan:
    todo: list[Job] = []
    again: Counter[str] = Counter()
    refused: dict[str, str] = {}
    for job in jobs:
        path, line = folder / job.result, known.get(job.result)
        if line is None:
            if not path.exists():
                todo.append(job)
            elif not adopt:
                refused[job.result] = (
                    f"{path} is there already, but {folder / MANIFEST} does not know it; remove it, or choose another "
                    "folder"
                )
            elif max(time for _, time in job.state() or [[0, 0]]) > path.stat().st_mtime_ns:
                todo.append(job)
                again["older than their video"] += 1
        elif not whole(path, line):
            todo.append(job)
            if path.exists():
                again["no longer complete"] += 1
        elif line["settings"] != settings:
            todo.append(job)
            again["made with other settings"] += 1
        elif line["span"] != [job.offset, job.length] or (job.state() or line["state"]) != line["state"]:
            todo.append(job)
            again["whose video changed"] += 1
    return _Plan(todo, len(jobs) - len(todo) - len(refused), again, refused)


def _manifest(folder: Path) -> dict[str, Facts]:
    """Return the last line about every result. A last line without an end was being written when a run was killed."""
    file = folder / MANIFEST
    if not file.exists():
        return {}
    lines = file.read_bytes().split(b"\n")[:-1]
    known: dict[str, Facts] = {}
    for number, text in enumerate(lines, start=1):
        try:
            line = json.loads(text)
            known[line["result"]] = line
            _ = line["settings"], line["span"], line["state"]
        except (ValueError, KeyError, TypeError):
            raise UserError(
                f"{file} line {number} is not a line that `glad prepare` wrote; restore it, or remove it together with "
                "what it describes, which is then made again"
            ) from None
    return known


@contextmanager
def locked(folder: Path) -> Iterator[BinaryIO]:
    """Yield the manifest, to append to, while no other run works on `folder`; remove what a killed run left half."""
    unfinished = folder / _UNFINISHED
    with _held(folder) as file:
        content = file.read()
        end = content.rfind(b"\n") + 1
        if not content.startswith(_OPENING.encode(), end) and not _OPENING.encode().startswith(content[end:]):
            raise UserError(f"{folder / MANIFEST} ends in what `glad prepare` did not write; restore it or remove that")
        file.truncate(end)
        file.seek(end)
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            unfinished.mkdir()
            yield file
        except OSError as problem:
            raise UserError(f"{folder} cannot be written: {reason(problem)}; what is done is kept") from None
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[BinaryIO]:
    """Yield the manifest, locked; where another run removed it while this one waited (`clear`), a new one."""
    while True:
        with writing(folder):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                file = os.fdopen(os.open(folder / MANIFEST, os.O_RDWR | os.O_CREAT, 0o666), "rb+")
            except (FileNotFoundError, FileExistsError):
                if os.path.lexists(folder):
                    raise
                continue  # the folder was removed at this very moment
        with file:
            lock(file, folder)
            if _stands_at(folder / MANIFEST, file):
                yield file
                return


def _stands_at(path: Path, file: IO) -> bool:
    """Return whether the open `file` is the one that is found at `path` now."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def clear(folder: Path, names: Iterable[str]) -> None:
    """Remove a `folder` that `locked` holds and nobody needs any more: `names` in it and what is there for all work.

    The manifest goes last of them: it says that the others are ours. A folder with anything else in it stays.
    """
    for name in (*names, QUARANTINE, _UNFINISHED, MANIFEST):
        _remove(folder / name)
    with suppress(OSError):
        folder.rmdir()


def lock(file: IO, folder: Path) -> None:
    """Lock `file`, which stands for work on `folder`, until it is closed; wait where another process holds it."""
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(f"another run works on {folder}; waiting for it")
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:  # a file system without locks
        return


# doing it ------------------------------------------------------------------------------------------------------------


class _Task(NamedTuple):
    job: Job
    make: Make
    path: Path  # where it is made, until it is whole


def _done(
    jobs: Sequence[Job],
    folder: Path,
    make: Make,
    settings: Facts,
    known: dict[str, Facts],
    manifest: BinaryIO,
    workers: int,
) -> Iterator[tuple[Job, str | None]]:
    """Yield every job, as it is done, with what went wrong, if anything did."""
    unfinished = folder / _UNFINISHED
    tasks = [_Task(job, make, unfinished / f"{n}{Path(job.result).suffix}") for n, job in enumerate(jobs)]
    states = {job.result: job.state() for job in jobs}  # before they are read: a later change shows next time
    for (job, _, path), facts in results(_attempt, tasks, workers):
        if isinstance(facts, Died):
            facts = f"{job.path}: the process that worked on it died, perhaps for lack of memory"
        if isinstance(facts, str):
            yield job, facts
            continue
        line = {"result": job.result, "video": job.listed, **facts, "span": [job.offset, job.length]}
        line |= {"state": states[job.result], "settings": settings}
        final = folder / job.result
        final.parent.mkdir(parents=True, exist_ok=True)
        # In this order a line never stands beside a result of other settings, wherever a run is killed.
        if final.exists():
            final.rename(unfinished / "old")
            _remove(unfinished / "old")
        manifest.write(json.dumps(line).encode() + b"\n")
        manifest.flush()
        path.rename(final)
        known[job.result] = line
        yield job, None


def _attempt(task: _Task) -> Facts | str:
    """Return the facts, or what went wrong."""
    try:
        _remove(task.path)  # what a process that died has left
        return task.make(task.job, task.path)
    except Exception as problem:
        cause = problem.__cause__ if isinstance(problem, UserError) else problem
        if isinstance(cause, OSError) and cause.errno in _FULL:
            raise cause from None
        if isinstance(problem, UserError):
            return str(problem)
        return f"{task.job.path}: unexpected {type(problem).__name__}: {problem}"


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
