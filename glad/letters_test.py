"""Letters that the font lacks are drawn without a word, and nothing else is silenced."""

import io
import warnings

import pytest
from matplotlib.figure import Figure

from glad.letters import any_letters


def draw() -> None:
    figure = Figure(figsize=(1, 1))
    figure.text(0, 0, "跳跃 🤸")
    figure.savefig(io.BytesIO())


def test_only_letters_are_silenced():
    with pytest.warns(UserWarning, match="missing from"):
        draw()
    with any_letters():
        draw()
    with pytest.warns(UserWarning, match="another"), any_letters():
        warnings.warn("another", stacklevel=1)
