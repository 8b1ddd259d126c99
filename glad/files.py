"""Writing files so that nobody ever reads half of one."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glad.errors import UserError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Within this block, which writes `path`, an `OSError` becomes a `UserError` that says why; its cause is kept."""
    try:
        yield
    except OSError as problem:
        why = (problem.strerror or str(problem)).lower()
        if isinstance(problem, FileExistsError | NotADirectoryError):
            why = "a file is where a folder should be"
        raise UserError(f"{path} cannot be written: {why}") from problem


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes the place of `path` only when the block succeeds.

    Parent folders are made. The temporary keeps the suffix of `path` (encoders look at it), and it is removed
    when the block fails. `UserError` where it cannot be written: a file is in the way, the disk is full.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, atomically; `UserError` where it holds a name of a file that is not UTF-8."""
    try:
        content = text.encode()
    except UnicodeEncodeError as problem:
        around = text[max(problem.start - 20, 0) : problem.end + 20]
        raise UserError(f"{path} cannot be written: it would hold {around!r}, which is not UTF-8; rename it") from None
    with atomic(path) as temporary:
        temporary.write_bytes(content)
