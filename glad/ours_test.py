"""A folder is ours when its sign says so, whole or cut short; in any other, nothing is replaced."""

from pathlib import Path

import pytest

from glad.errors import UserError
from glad.ours import check_ours


def check(folder: Path) -> None:
    check_ours(folder, ["list.txt", "films"], "sign.json", '{"name":"x')


def test_nothing_of_ours_is_there(tmp_path: Path):
    check(tmp_path / "none")
    (tmp_path / "other.txt").write_text("mine")
    check(tmp_path)


@pytest.mark.parametrize("name", ["list.txt", "films"])
def test_what_stands_without_the_sign_is_not_ours(name: str, tmp_path: Path):
    (tmp_path / name).mkdir()
    with pytest.raises(UserError, match=f"{name} was not written by glad and would be lost"):
        check(tmp_path)
    for sign in ("", "{", '{\n  "na', '{\n  "name": "xyz",\n  "more": 1\n}\n'):
        (tmp_path / "sign.json").write_text(sign)
        check(tmp_path)


@pytest.mark.parametrize("sign", ["[]", '{"name": "y"}', "mine", "\xff"])
def test_a_sign_of_others_is_not_ours_either(sign: str, tmp_path: Path):
    (tmp_path / "sign.json").write_text(sign)
    with pytest.raises(UserError, match=r"sign\.json was not written by glad"):
        check(tmp_path)


def test_a_folder_is_no_sign(tmp_path: Path):
    (tmp_path / "sign.json").mkdir()
    with pytest.raises(UserError, match=r"sign\.json was not written by glad"):
        check(tmp_path)
