"""Commands about videos make what they are asked for and say what they did."""

from glad.cli import main


def test_backgrounds_are_made_once(squares, tmp_path, capsys):
    words = ["prepare", "backgrounds", squares / "source.txt", "--root", squares / "source", "--out", tmp_path / "b"]
    for made, there in ((8, 0), (0, 8)):
        main([str(word) for word in [*words, "--workers", 1]])
        assert capsys.readouterr().out == f"{made} backgrounds made, {there} were there, in {tmp_path / 'b'}\n"
    assert len(list((tmp_path / "b").rglob("*.jpg"))) == 8
