"""A folder is checked with all that lies in it, not only with what training finds there."""

from pathlib import Path

from glad.check.doctor import Asked, lists_report
from glad.data.conftest import movie


def test_what_is_no_video_is_a_note(tmp_path: Path):
    for name in ("run", "walk"):
        (tmp_path / name).mkdir()
        movie(tmp_path / name / "a.mp4", count=4)
    assert lists_report([Asked(tmp_path)]).findings.counts() == {}
    (tmp_path / "run" / "b.mpegx").write_text("a video of a kind unknown")
    (tmp_path / "walk" / "new").mkdir()
    report = lists_report([Asked(tmp_path)])
    assert report.clean and report.findings.counts() == {"other_file": 1, "no_video": 1}
    assert [item.text for item in report.findings.items] == [
        "run/b.mpegx is neither a video nor a frame of one",
        "walk/new holds no video",
    ]
