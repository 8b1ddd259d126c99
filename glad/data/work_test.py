import errno
import json
import os
from functools import partial
from pathlib import Path

import pytest

from glad.data import work
from glad.data.work import (
    Facts,
    Job,
    Outcome,
    check_apart,
    check_folder,
    check_outside,
    failure,
    outcome,
    write_quarantine,
)
from glad.errors import UserError
from glad.files import atomic


def copied(log: Path, job: Job, path: Path) -> Facts:
    """Write the video's text to `path`, and its name to the log; a video that says so fails."""
    text = job.path.read_text() if job.path.exists() else "missing"
    with log.open("a") as file:
        file.write(f"{job.listed}\n")
    if text == "bad":
        raise UserError(f"{job.path} is bad")
    if text == "odd":
        raise ZeroDivisionError("by nought")
    if text == "full":
        raise OSError(errno.ENOSPC, "No space left on device")
    if text == "dies" and path.parent.name == ".glad-unfinished":
        path.write_text("half")
        os.kill(os.getpid(), 9)
    path.write_text(text)
    return {"frames": len(text)}


class Bench:
    """Three videos, a folder for results, and a log of what was worked on."""

    def __init__(self, root: Path) -> None:
        self.videos, self.out, self.log = root / "videos", root / "out", root / "log"
        self.videos.mkdir()
        self.say(a="one", b="two", c="three")
        self.jobs = [Job(f"deep/{name}.txt", f"{name}.mp4", self.videos / name) for name in "abc"]

    def say(self, **texts: str) -> None:
        for name, text in texts.items():
            (self.videos / name).write_text(text)

    def run(self, workers: int = 0, adopt: bool = False, **settings: int) -> Outcome:
        self.log.write_text("")
        make = partial(copied, self.log)
        return outcome(self.jobs, self.out, make, settings, title="copies", workers=workers, adopt=adopt)

    def worked(self) -> list[str]:
        return sorted(self.log.read_text().split())

    def there(self) -> dict[str, str]:
        return {path.stem: path.read_text() for path in sorted((self.out / "deep").iterdir())}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


ALL = ["a.mp4", "b.mp4", "c.mp4"]


@pytest.mark.parametrize("workers", [0, 2])
def test_everything_is_done_once(bench: Bench, workers: int):
    done = bench.run(workers)
    assert (done.made, done.kept, done.failed) == (3, 0, {})
    assert bench.there() == {"a": "one", "b": "two", "c": "three"} and bench.worked() == ALL
    assert done.facts["deep/c.txt"]["frames"] == 5
    done = bench.run(workers)
    assert (done.made, done.kept, bench.worked()) == (0, 3, [])
    assert done.facts["deep/c.txt"]["frames"] == 5
    assert sorted(path.name for path in bench.out.iterdir()) == ["deep", "manifest.jsonl"]


def test_a_changed_video_is_made_again_and_said(bench: Bench, capsys: pytest.CaptureFixture[str]):
    bench.run()
    bench.say(b="zwei")
    assert bench.run().made == 1
    assert bench.worked() == ["b.mp4"] and bench.there()["b"] == "zwei"
    assert capsys.readouterr().err == "copies: 1 are made again (1 whose video changed)\n"
    os.utime(bench.videos / "c", ns=(1, 1))
    bench.run()
    assert bench.worked() == ["c.mp4"]


def test_another_span_is_another_video(bench: Bench):
    bench.run()
    bench.jobs[0] = Job("deep/a.txt", "a.mp4", bench.videos / "a", length=7)
    bench.run()
    assert bench.worked() == ["a.mp4"]


def test_other_settings_make_everything_again(bench: Bench, capsys: pytest.CaptureFixture[str]):
    bench.run(side=1)
    assert bench.run(side=1).made == 0
    assert bench.run(side=2).made == 3
    assert capsys.readouterr().err == "copies: 3 are made again (3 made with other settings)\n"


def test_what_was_removed_is_made_again_and_what_lost_its_video_stays(bench: Bench):
    bench.run()
    (bench.out / "deep/a.txt").unlink()
    (bench.videos / "b").unlink()
    assert bench.run().kept == 2
    assert bench.worked() == ["a.mp4"] and bench.there() == {"a": "one", "b": "two", "c": "three"}


def test_failures_stop_nobody_and_are_listed_and_tried_again(bench: Bench):
    bench.say(a="bad", c="odd")
    done = bench.run()
    assert (done.made, done.kept) == (1, 0) and bench.there() == {"b": "two"}
    assert list(done.facts) == ["deep/b.txt"]
    assert (bench.out / "quarantine.txt").read_text() == (
        f"a.mp4\t{bench.videos / 'a'} is bad\nc.mp4\t{bench.videos / 'c'}: unexpected ZeroDivisionError: by nought\n"
    )
    bench.say(a="good")
    assert bench.run().made == 1 and bench.worked() == ["a.mp4", "c.mp4"]
    assert (bench.out / "quarantine.txt").read_text().startswith("c.mp4\t")
    bench.say(c="good")
    bench.run()
    assert not (bench.out / "quarantine.txt").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_video_that_kills_its_process_is_named(bench: Bench, workers: int):
    bench.say(b="dies")
    done = bench.run(workers)
    assert done.made == 2 and bench.there() == {"a": "one", "c": "three"}
    assert done.failed["deep/b.txt"].endswith("b: the process that worked on it died, perhaps for lack of memory")
    assert not (bench.out / ".glad-unfinished").exists()


def test_a_full_disk_ends_it_at_once_and_keeps_what_is_done(bench: Bench):
    bench.say(c="full")
    with pytest.raises(UserError, match=r"out cannot be written: no space left on device; what is done is kept"):
        bench.run()
    bench.say(c="room")
    done = bench.run()
    assert (done.made, done.kept, bench.worked()) == (1, 2, ["c.mp4"])


def within_atomic(job: Job, path: Path) -> Facts:
    """Run out of disk in the very function that writes files."""
    with atomic(path):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_full_disk_is_no_fault_of_a_video_whoever_notices_it(bench: Bench, workers: int):
    with pytest.raises(UserError, match=r"out cannot be written: no space left on device; what is done is kept"):
        outcome(bench.jobs, bench.out, within_atomic, {}, title="copies", workers=workers)
    assert not (bench.out / "quarantine.txt").exists()


def test_a_result_of_others_is_refused_unless_adopted(bench: Bench):
    mine = bench.out / "deep/a.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    done = bench.run()
    assert (done.made, done.kept) == (2, 0) and mine.read_text() == "mine"
    assert "is there already, but" in done.failed["deep/a.txt"]
    done = bench.run(adopt=True)
    assert (done.made, done.kept, done.failed) == (0, 3, {}) and mine.read_text() == "mine"
    os.utime(mine, ns=(1, 1))  # older than its video
    assert bench.run(adopt=True).made == 1 and mine.read_text() == "one"


def test_a_line_that_was_being_written_is_forgotten(bench: Bench):
    bench.run()
    manifest = bench.out / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes() + b'{"result": "deep/x.txt", "set')
    bench.say(a="eins")
    assert bench.run().made == 1
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    assert [line["result"] for line in lines] == ["deep/a.txt", "deep/b.txt", "deep/c.txt", "deep/a.txt"]
    assert bench.run().made == 0


def test_what_a_killed_run_left_goes_with_the_next_and_what_is_not_ours_stays(bench: Bench):
    bench.run()
    for name in (".glad-unfinished", ".unfinished"):
        (bench.out / name).mkdir()
        (bench.out / name / "0.txt").write_text("half")
    assert bench.run().kept == 3
    assert sorted(path.name for path in bench.out.iterdir()) == [".unfinished", "deep", "manifest.jsonl"]


@pytest.mark.parametrize("name, text", [("manifest.jsonl", '{"id": 7}'), ("quarantine.txt", "mine"), ("list.txt", "")])
def test_files_of_others_are_neither_cut_nor_removed(name: str, text: str, bench: Bench):
    bench.out.mkdir()
    (bench.out / name).write_text(text)
    with pytest.raises(UserError, match=f"{name} was not written by glad and would be lost"):
        check_folder(bench.out, ["list.txt"])
    if name != "list.txt":
        with pytest.raises(UserError, match="was not written by glad"):
            bench.run()
    assert (bench.out / name).read_text() == text and len(list(bench.out.iterdir())) == 1


def test_a_manifest_is_not_cut_where_others_wrote_on(bench: Bench):
    bench.run()
    manifest = bench.out / "manifest.jsonl"
    text = manifest.read_text() + "my own note"
    manifest.write_text(text)
    bench.say(a="eins")
    with pytest.raises(UserError, match=r"manifest\.jsonl ends in what `glad prepare` did not write"):
        bench.run()
    assert manifest.read_text() == text and bench.there()["a"] == "one"


def test_a_folder_is_ours_from_the_first_run_on(bench: Bench):
    """Though nothing was made there, for every result was there already."""
    for job in bench.jobs:
        (bench.out / job.result).parent.mkdir(parents=True, exist_ok=True)
        (bench.out / job.result).write_text("mine")
    for _ in range(2):
        assert len(bench.run().failed) == 3 and (bench.out / "quarantine.txt").exists()


@pytest.mark.parametrize("line", ["{", "[]", '{"result": "a"}', "3"])
def test_a_broken_manifest_is_named_with_its_line(bench: Bench, line: str):
    bench.run()
    manifest = bench.out / "manifest.jsonl"
    manifest.write_text(manifest.read_text() + line + "\n")
    with pytest.raises(UserError, match=r"manifest\.jsonl line 4 "):
        bench.run()


@pytest.mark.parametrize("after", ["remove", "append", "rename"])
def test_wherever_it_stops_nothing_is_lost_or_wrong(bench: Bench, after: str, monkeypatch: pytest.MonkeyPatch):
    """The three steps that put a new result in the place of an old one, each as the last that happens."""
    bench.run(side=1)

    class Stop(BaseException):
        pass

    real = Path.rename

    def rename(path: Path, target: Path) -> Path:
        removal = target.name == "old"
        if not removal and after == "append":
            raise Stop
        moved = real(path, target)
        if after == ("remove" if removal else "rename"):
            raise Stop
        return moved

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(Stop):
        bench.run(side=2)
    monkeypatch.undo()
    assert {"b": "two", "c": "three"}.items() <= bench.there().items()
    assert bench.run(side=2).made == (2 if after == "rename" else 3)
    assert bench.there() == {"a": "one", "b": "two", "c": "three"}


def test_a_folder_that_cannot_be_written(bench: Bench, tmp_path: Path):
    bench.out.write_text("a file")
    with pytest.raises(UserError, match=r"out cannot be written: "):
        bench.run()


def test_nothing_is_written_when_there_is_nothing_to_do(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    bench.run()
    monkeypatch.setattr(work, "locked", None)
    assert bench.run().kept == 3


def test_jobs_that_would_stand_in_each_others_place_are_refused(tmp_path: Path):
    a, b = Job("x", "x.mp4", tmp_path), Job("x", "x.avi", tmp_path, origin="list.txt line 2")
    with pytest.raises(UserError, match=r"^list\.txt line 2: x\.avi and x\.mp4 would share x; "):
        check_apart([a, b], tmp_path)
    with pytest.raises(UserError, match=r"what is made of x/y\.mp4 would stand inside x, which is made of x\.mp4"):
        check_apart([a, Job("x/y", "x/y.mp4", tmp_path)], tmp_path)
    check_apart([a, Job("x y", "x y.mp4", tmp_path), Job("z/x", "z/x.mp4", tmp_path)], tmp_path)


def test_results_among_the_videos_are_refused(tmp_path: Path):
    (tmp_path / "videos").mkdir()
    for inside in ("videos", "videos/frames", "videos/../videos/x/y"):
        with pytest.raises(UserError, match="lies in"):
            check_outside(tmp_path / inside, tmp_path / "videos")
    check_outside(tmp_path / "videos2", tmp_path / "videos")
    check_outside(tmp_path / "videos", tmp_path / "videos" / "list.txt")


def test_the_quarantine_holds_one_line_each(tmp_path: Path):
    write_quarantine(tmp_path, [("a.mp4", "two\nlines\tand a tab"), ("b\udcff.mp4", "no")])
    assert (tmp_path / "quarantine.txt").read_bytes() == b"a.mp4\ttwo lines and a tab\nb\xff.mp4\tno\n"
    write_quarantine(tmp_path, [])
    assert list(tmp_path.iterdir()) == []


def test_an_error_names_ten_failures_and_counts_the_others(tmp_path: Path):
    text = str(failure(tmp_path, "videos", 40, [f"video {index:02d}" for index in range(13)]))
    assert text.startswith("13 of 40 videos could not be made") and text.endswith("video 09\nand 3 more")
