"""Commands about videos make what they are asked for and say what they did."""

from glad.cli import main


def test_backgrounds_are_made_once(squares, tmp_path, capsys):
    words = ["prepare", "backgrounds", squares / "source.txt", "--root", squares / "source", "--out", tmp_path / "b"]
    for made, there in ((8, 0), (0, 8)):
        main([str(word) for word in [*words, "--workers", 1]])
        assert capsys.readouterr().out == f"{made} backgrounds made, {there} were there, in {tmp_path / 'b'}\n"
    assert len(list((tmp_path / "b").rglob("*.jpg"))) == 8


def test_what_is_sampled_is_drawn_and_printed(squares, tmp_path, capsys):
    words = ["show", f"{squares / 'target.txt'}:3", "--root", squares / "target", "--recipe", "mini-glad"]
    main([str(word) for word in [*words, "--draws", 1, "--role", "target", "--out", tmp_path / "a.png"]])
    said = capsys.readouterr().out
    assert "target.txt line 3: left_2" in said and said.endswith(f"drawn: {tmp_path / 'a.png'}\n")
    assert said.count("global 1") == 2 and "train, draw 1" in said and (tmp_path / "a.png").stat().st_size > 10000
