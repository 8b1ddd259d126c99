"""Whether files in a folder are ours: what others wrote is never replaced or removed."""

from collections.abc import Iterable
from pathlib import Path

from glad.errors import UserError


def check_ours(folder: Path, names: Iterable[str], sign: str, opening: str) -> None:
    """Refuse a `folder` where something called like one of `names` would be lost that glad did not write.

    Glad writes the JSON file `sign` into a folder before anything else, so it finds its own again wherever a run was
    killed. The sign is ours when it begins with `opening`, white space aside; cut short it still is, or empty.
    """
    if _begins(folder / sign, opening):
        return
    for path in (folder / name for name in (sign, *names)):
        if path.exists() and not _begins(folder / sign, opening):  # by now: another run may have begun this moment
            raise UserError(f"{path} was not written by glad and would be lost; move it, or choose another folder")


def _begins(file: Path, opening: str) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as content:
        found = b"".join(content.read(256).split())
    return found.startswith(opening.encode()) or opening.encode().startswith(found)
