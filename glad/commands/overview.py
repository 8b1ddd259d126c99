"""The command that lists runs. It imports what it needs when it is called."""

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from glad.errors import UserError


def runs(
    folder: Annotated[Path, Positional, arg(metavar="FOLDER")] = Path("runs"),
    by: Literal["name", "score", "age"] = "name",
    json: bool = False,
) -> None:
    """List the runs below a folder: what they are, how far they have come, what they scored (docs/runs.md).

    Args:
        folder: where to look, at any depth.
        by: order: by name, the best score first, or the latest first.
        json: print one JSON object per run.
    """
    from glad.overview import ordered, runs_below, text_of

    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; name the one that holds your runs: glad runs FOLDER")
    found = ordered(runs_below(folder), by)
    if json:
        for run in found:
            print(run.as_json())
    else:
        print(text_of(found) if found else f"no run below {folder}")
