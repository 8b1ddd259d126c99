"""Names of classes and files hold letters that matplotlib's font lacks: a box in their place is no reason to warn."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def any_letters() -> Iterator[None]:
    """Let figures be drawn with whatever letters, without a warning for each that the font lacks."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*missing from.*font")
        yield
