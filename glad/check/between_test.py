"""Two lists that must share nothing: videos by their path, recordings by their name."""

from pathlib import Path

import pytest

from glad.check.between import recording, recordings, shared_findings
from glad.check.doctor import Asked, lists_report
from glad.check.reading import Rows, read_rows


def rows_of(folder: Path, *paths: str, root: Path | None = None, number: int = 0) -> Rows:
    file = folder / f"{number}.txt"
    file.write_text("".join(f"{path} 9 0\n" for path in paths))
    return read_rows(file, number, None, root)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("slapping/--7goKgS4kc_000015_000025", "--7goKgS4kc"),
        ("slapping/--7goKgS4kc_000015_000025.mp4", "--7goKgS4kc"),
        ("train/005513", "005513"),
        ("babel/val/005513.mp4", "005513"),
        ("Punch/v_Punch_g08_c02.avi", "v_Punch_g08"),
        ("jump/005513", None),
        ("train/0012", None),
        ("jump/a_000015", None),
    ],
)
def test_names_that_tell_the_recording(path, name):
    assert recording(path) == name


def test_recordings_are_counted(tmp_path):
    rows = rows_of(tmp_path, "a/x_000000_000010", "a/x_000010_000020", "a/y", "b/y")
    assert recordings(rows) == 3


def test_videos_recordings_and_names(tmp_path):
    a = rows_of(tmp_path, "train/000001", "c/run_a", "train/000002", "c/x_000000_000010", "c/0007", "c/run_a")
    b = rows_of(tmp_path, "val/000002", "d/0007", "d/run_a", "d/x_000050_000060", "train/000001", number=1)
    found, marks, counts = shared_findings(a, b, one_root=True)
    assert counts == {"videos": 1, "recordings": 2, "names": 1}
    assert [(item.kind, item.text) for item in found.items] == [
        ("shared_video", "the video train/000001 is in both: line 1 of 0.txt, line 5 of 1.txt"),
        ("shared_recording", "train/000002 is of the same recording as val/000002: line 3 of 0.txt, line 1 of 1.txt"),
        (
            "shared_recording",
            "c/x_000000_000010 is of the same recording as d/x_000050_000060: line 4 of 0.txt, line 4 of 1.txt",
        ),
        ("same_name", "c/run_a and d/run_a have one name: line 2 of 0.txt, line 3 of 1.txt"),
    ]
    assert marks["shared_video"].tolist() == [True, False, False, False, False, False]
    assert marks["shared_recording"].tolist() == [False, False, True, True, False, False]


def test_below_two_roots_the_whole_path_counts(tmp_path):
    a = rows_of(tmp_path, "b/run_a", "c/run_b", root=tmp_path / "x")
    b = rows_of(tmp_path, "run_a", "c/run_b", root=tmp_path / "x" / "b", number=1)
    found, marks, _ = shared_findings(a, b, one_root=False)
    assert [item.kind for item in found.items] == ["shared_video"] and marks["shared_video"].tolist() == [True, False]


def test_links_hide_nothing(tmp_path):
    """A root that is a link to the other, a folder of links to single videos, and a folder that is a link."""
    for name in ("a", "b", "c"):
        (tmp_path / "all" / "run").mkdir(parents=True, exist_ok=True)
        (tmp_path / "all" / "run" / f"{name}.mp4").touch()
    (tmp_path / "linked").symlink_to(tmp_path / "all")
    (tmp_path / "test" / "run").mkdir(parents=True)
    (tmp_path / "test" / "run" / "x.mp4").symlink_to(tmp_path / "all" / "run" / "b.mp4")
    (tmp_path / "test" / "jump").symlink_to(tmp_path / "all" / "run")
    train = rows_of(tmp_path, "run/a.mp4", "run/b.mp4", root=tmp_path / "all")
    linked = rows_of(tmp_path, "run/b.mp4", root=tmp_path / "linked", number=1)
    test = rows_of(tmp_path, "run/x.mp4", "jump/a.mp4", "jump/c.mp4", root=tmp_path / "test", number=2)
    assert shared_findings(train, linked, one_root=False)[1]["shared_video"].tolist() == [False, True]
    found, marks, counts = shared_findings(train, test, one_root=False)
    assert counts["videos"] == 2 and marks["shared_video"].all()
    assert [item.text.split(":")[1] for item in found.items] == [
        " line 1 of 0.txt, line 2 of 2.txt",
        *([" line 2 of 0.txt, line 1 of 2.txt"]),
    ]
    linked_asked, asked = Asked(linked.file, tmp_path / "linked"), Asked(train.file, tmp_path / "all")
    assert lists_report([asked], [linked_asked]).findings.counts()["shared_video"] == 1


def test_a_name_that_several_videos_have_says_nothing(tmp_path):
    a = rows_of(tmp_path, "jump/clip", "run/clip")
    b = rows_of(tmp_path, "test/clip", number=1)
    assert shared_findings(a, b, one_root=True)[0].items == ()


def test_the_released_lists_share_nothing(shared_data):
    folder = shared_data / "kinetics2babel"
    for domain, cut in (("babel", 1986), ("k400", 14881)):
        train, test = (read_rows(folder / f"{domain}_{part}.txt") for part in ("train", "test"))
        found, _, counts = shared_findings(train, test, one_root=True)
        assert found.items == () and counts == {"videos": 0, "recordings": 0, "names": 0}
        assert recordings(train) == cut
