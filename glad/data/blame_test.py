import pytest

from glad.data.blame import blamed, reason
from glad.errors import UserError


def test_an_error_opens_with_who_asked():
    with pytest.raises(UserError, match=r"^train\.txt line 3: a\.jpg is missing$"), blamed("train.txt line 3"):
        raise UserError("a.jpg is missing")
    with pytest.raises(UserError, match=r"^a\.jpg is missing$"), blamed(""):
        raise UserError("a.jpg is missing")


def test_other_errors_pass_unchanged():
    with pytest.raises(KeyError), blamed("train.txt line 3"):
        raise KeyError("x")


def test_a_reason_is_never_empty():
    assert reason(FileNotFoundError(2, "No such file or directory", "/a")) == "no such file or directory"
    assert reason(RuntimeError("Bad data")) == "bad data"
    assert reason(EOFError()) == "eoferror"
