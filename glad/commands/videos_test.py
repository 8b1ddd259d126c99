"""Commands about videos make what they are asked for and say what they did."""

import shutil

import pytest

from glad.cli import main


def test_backgrounds_are_made_once(squares, tmp_path, capsys):
    out = tmp_path / "b"
    words = ["prepare", "backgrounds", squares / "source.txt", "--root", squares / "source", "--out", out]
    for made, there, look in ((8, 0, f"to look at: {out / 'contact.jpg'}\n"), (0, 8, "")):
        main([str(word) for word in [*words, "--workers", 0]])
        assert capsys.readouterr().out == f"{made} backgrounds made, {there} were there, in {out}\n{look}"
    assert len(list(out.rglob("*.jpg"))) == 8 + 1
    main([str(word) for word in [*words, "--workers", 0, "--sheet", tmp_path / "sheet.jpg"]])
    assert capsys.readouterr().out.endswith(f"to look at: {tmp_path / 'sheet.jpg'}\n")


def test_a_sheet_is_a_jpeg_by_name_too(squares, tmp_path, capsys):
    words = ["prepare", "backgrounds", squares / "source.txt", "--root", squares / "source", "--out", tmp_path / "b"]
    with pytest.raises(SystemExit, match="2"):
        main([str(word) for word in [*words, "--sheet", tmp_path / "x.png"]])
    assert "must end in .jpg" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_what_is_no_video_is_said(squares, tmp_path, capsys):
    shutil.copytree(squares / "source", tmp_path / "videos")
    (tmp_path / "videos" / "clip.mpegx").touch()
    words = [str(tmp_path / "videos"), "--unlabelled", "--workers", "0", "--out"]
    for what in ("frames", "backgrounds"):
        main(["prepare", what, *words, str(tmp_path / what)])
        assert capsys.readouterr().out.startswith("passed over: 1 file of no video (clip.mpegx)\n8 ")


def test_frames_are_made_and_a_broken_video_ends_in_status_2(squares, tmp_path, capsys):
    videos, out = tmp_path / "videos", tmp_path / "f"
    shutil.copytree(squares / "source", videos)
    words = ["prepare", "frames", squares / "source.txt", "--root", videos, "--out", out, "--workers", 0]
    words = [str(word) for word in [*words, "--first", 1, "--short-side", 12]]
    main(words)
    rows = f"rows in {out / 'frames.txt'}\n"
    assert capsys.readouterr().out == f"8 frame folders made, 0 were there, 96 frames in {out}\n8 {rows}"
    assert (out / "frames.txt").read_text() == (squares / "source.txt").read_text()
    (videos / "left_0" / "img_00007.jpg").write_bytes(b"")
    with pytest.raises(SystemExit, match="2"):
        main(words)
    said = capsys.readouterr()
    assert said.out == f"0 frame folders made, 7 were there, 84 frames in {out}\n7 {rows}"
    assert said.err.startswith("frames: 1 are made again (1 whose video changed)\n")
    assert f"1 of 8 videos could not be made; the others are in {out}; {out / 'quarantine.txt'} lists" in said.err
    assert said.err.endswith("img_00007.jpg is an empty file\n")


def test_what_is_sampled_is_drawn_and_printed(squares, tmp_path, capsys):
    words = ["show", f"{squares / 'target.txt'}:3", "--root", squares / "target", "--recipe", "mini-glad"]
    main([str(word) for word in [*words, "--draws", 1, "--role", "target", "--out", tmp_path / "a.png"]])
    said = capsys.readouterr().out
    assert "target.txt line 3: left_2" in said and said.endswith(f"drawn: {tmp_path / 'a.png'}\n")
    assert said.count("global 1") == 2 and "train, draw 1" in said and (tmp_path / "a.png").stat().st_size > 10000
