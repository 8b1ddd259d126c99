"""Says in an error what asked for the broken thing: `train.txt line 3: …`."""

from collections.abc import Iterator
from contextlib import contextmanager

from glad.errors import UserError


@contextmanager
def blamed(origin: str) -> Iterator[None]:
    """Within this block every `UserError` opens with `origin`, if there is one."""
    try:
        yield
    except UserError as problem:
        if not origin:
            raise
        raise UserError(f"{origin}: {problem}") from None


def reason(problem: Exception) -> str:
    """Return why the operating system or the codec refused, without error numbers and paths."""
    return (getattr(problem, "strerror", None) or str(problem) or type(problem).__name__).lower()
