"""One process makes the miniature at a time, and what is there of the very same is kept."""

import shutil
import subprocess
import sys
import threading
import time

import pytest

from glad.errors import UserError
from glad.mini.folder import ABOUT, begun, empty, holds, sign

ONE, OTHER = {"name": "mini", "seed": 1}, {"name": "mini", "seed": 2}


def test_the_very_same_goes_on_and_another_begins_anew(tmp_path):
    kept, half = tmp_path / "source/run/0000", tmp_path / "source/run/.0001"
    with pytest.raises(KeyboardInterrupt), begun(tmp_path, ONE) as needed:
        assert needed
        half.mkdir(parents=True)
        kept.mkdir()
        raise KeyboardInterrupt
    assert not holds(tmp_path, ONE)
    with begun(tmp_path, ONE) as needed:
        assert needed and kept.exists() and not half.exists()
        sign(tmp_path, ONE)
    with begun(tmp_path, ONE) as needed:
        assert not needed and kept.exists()
    with begun(tmp_path, OTHER) as needed:
        assert needed and not kept.exists()


def test_backgrounds_go_with_the_videos_they_were_made_of(tmp_path):
    (tmp_path / ABOUT).write_text('{"name": "mini", "version": 0}')
    (tmp_path / "backgrounds").mkdir()
    empty(tmp_path)
    assert not (tmp_path / "backgrounds").exists()
    (tmp_path / "source").mkdir()  # killed while it was removed: what is left is of nobody knows what
    with begun(tmp_path, {"name": "mini", "version": 0}) as needed:
        assert needed and not (tmp_path / "source").exists()


def test_what_others_made_is_refused_and_nothing_is_left_there(tmp_path):
    (tmp_path / "source").mkdir()
    with pytest.raises(UserError, match="source was not written by glad"), begun(tmp_path, ONE):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_hidden_files_of_others_are_left_alone(tmp_path):
    """In a folder that one may well name: a home, or a repository."""
    others = [tmp_path / name for name in ("x/y/.git/HEAD", "x/y/.env", "videos/a/.env", ".lock")]
    for file in others:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mine")
    shutil.move(tmp_path / "videos", tmp_path / "apart")  # while the folder is not ours, `videos` is refused
    with pytest.raises(KeyboardInterrupt), begun(tmp_path, ONE) as needed:
        assert needed
        raise KeyboardInterrupt
    shutil.move(tmp_path / "apart", tmp_path / "videos")
    notes = [tmp_path / name for name in ("source/run/.notes", "target/.0000/a", "source/.0000")]
    half = [tmp_path / name for name in ("target/train/.00017", "videos/source/run/.0001.mp4", "source/run/.0001")]
    for file in (*notes, *half):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mine")
    with begun(tmp_path, ONE) as needed:
        assert needed
    assert [file.read_text() for file in (*others, *notes)] == ["mine"] * len(others + notes)
    assert not any(file.exists() for file in half)


SCRIPT = """
import sys
from pathlib import Path
from glad.mini.folder import begun
with begun(Path(sys.argv[1]), {"name": "mini", "seed": 1}) as needed:
    print(needed)
"""


def test_a_second_process_waits_and_finds_it_made(tmp_path):
    with begun(tmp_path, ONE) as needed:
        assert needed
        second = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert second.stderr is not None
        assert second.stderr.readline() == f"another run works on {tmp_path}; waiting for it\n"
        time.sleep(0.1)
        assert second.poll() is None
        sign(tmp_path, ONE)
    assert second.communicate(timeout=60)[0] == "False\n"


def test_where_the_first_is_interrupted_the_second_goes_on(tmp_path):
    found = []

    def second() -> None:
        with begun(tmp_path, ONE) as needed:
            found.append((needed, (tmp_path / "source/run/0000").exists()))

    with pytest.raises(KeyboardInterrupt), begun(tmp_path, ONE):
        (tmp_path / "source/run/0000").mkdir(parents=True)
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.1)
        assert found == []
        raise KeyboardInterrupt
    thread.join(10)
    assert found == [(True, True)]
