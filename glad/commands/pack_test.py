"""`glad prepare pack` says what it did, and whom it refuses."""

import shutil

import pytest

from glad.cli import main


def test_a_list_is_packed_beside_it_once(squares, tmp_path, capsys):
    shutil.copy(squares / "target.txt", tmp_path)
    out = tmp_path / "target.pack"
    for made, there in ((8, 0), (0, 8)):
        main(["prepare", "pack", str(tmp_path / "target.txt"), "--root", str(squares / "target"), "--workers", "1"])
        first, second = capsys.readouterr().out.splitlines()
        assert first == (
            f"{made} videos packed, {there} were there, 96 frames, {out.stat().st_size / 1e9:.3g} GB in {out}"
        )
        assert second == f"to read from it, name it where the folder was: --root {out}, or a recipe's data.source.root"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["target.pack", "target.txt"]


def test_a_folder_of_classes_is_packed_beside_itself(squares, tmp_path, capsys, monkeypatch):
    for name in ("left_0", "right_1"):
        shutil.copytree(squares / "source" / name, tmp_path / "videos" / name[:-2] / name)
    monkeypatch.chdir(tmp_path / "videos")
    main(["prepare", "pack", "."])
    assert capsys.readouterr().out.startswith("2 videos packed, 0 were there, 24 frames, ")
    assert (tmp_path / "videos.pack").exists()


def test_a_broken_video_ends_in_status_2_and_no_pack(squares, tmp_path, capsys):
    shutil.copytree(squares / "source", tmp_path / "videos")
    (tmp_path / "videos" / "right_1" / "img_00003.jpg").unlink()
    words = ["prepare", "pack", squares / "source.txt", "--root", tmp_path / "videos", "--out", tmp_path / "out.pack"]
    with pytest.raises(SystemExit, match="2"):
        main([str(word) for word in words])
    said = capsys.readouterr().err
    where = tmp_path / "out.pack.unfinished"
    assert f"1 of 8 videos could not be made; the others are in {where}; {where / 'quarantine.txt'} lists" in said
    assert "right_1 has a gap: img_00003.jpg is missing" in said and not (tmp_path / "out.pack").exists()
    shutil.copy(squares / "source/right_1/img_00003.jpg", tmp_path / "videos/right_1")
    main([str(word) for word in words])
    assert capsys.readouterr().out.startswith("1 videos packed, 7 were there, 96 frames, ")
    assert not where.exists()
