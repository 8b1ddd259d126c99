"""What is published of a run says nothing of the machine and its user, and still is a recipe."""

from pathlib import Path

import pytest

from glad.scrub import machine_names, places_told, scrubbed, without_machine

NAMES = frozenset({"alice", "box7"})


@pytest.mark.parametrize(
    "text, expected",
    [
        ("/home/alice/lists/train.txt", "train.txt"),
        ("/home/alice/my videos/all of them", "all of them"),
        ("~/weights/k400.pth", "k400.pth"),
        ("../other/list.txt", "list.txt"),
        (r"C:\Users\alice\list.txt", "list.txt"),
        ("--out=/scratch/alice/runs/a", "--out=a"),
        ("see '/home/alice/notes', please", "see 'notes', please"),
        ("data/mini/0/classes.txt", "data/mini/0/classes.txt"),
        ("data/alice/0", "data/user/0"),
        ("made by alice on box7", "made by user on user"),
        ("alice", "alice"),
        ("malice / alices", "malice / alices"),
        ("glad:mini/init.safetensors", "glad:mini/init.safetensors"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("local", "local"),
        ("", ""),
    ],
)
def test_paths_and_names_go_and_the_rest_stays(text, expected):
    assert scrubbed(text, NAMES) == expected


def test_a_path_below_the_current_folder_becomes_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert scrubbed(str(tmp_path / "data" / "a b.txt"), NAMES) == "data/a b.txt"


def test_values_are_walked_and_keys_and_kinds_are_left():
    given = {
        "kind": "alice.methods:Mine",
        "/key": [1, None, 2.5, True, "/a/b", {"x": "~/c"}],
        "command": ["glad", "train", "--out", "/runs/x"],
    }
    assert without_machine(given, NAMES) == {
        "kind": "alice.methods:Mine",
        "/key": [1, None, 2.5, True, "b", {"x": "c"}],
        "command": ["glad", "train", "--out", "x"],
    }


def test_the_names_are_those_of_home_and_user_unless_they_tell_nobody(monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: Path("/home/carla"))
    monkeypatch.setattr("glad.scrub.platform.node", lambda: "box7.example.org")
    monkeypatch.setattr("glad.scrub.getpass.getuser", lambda: "root")
    monkeypatch.setenv("USER", "carla")
    assert machine_names() == {"carla", "box7", "box7.example.org"}


def test_lines_of_a_program_that_tell_are_numbered():
    code = 'A = 1\nDATA = "/home/alice/data"\n# by alice\nB = "a/b"\nC = 4 / 2\nD = \'~/x\'\n'
    assert places_told(code, NAMES) == [2, 3, 6]
