"""Takes out of what a run wrote down whose machine it was: folders, the name of the user, the name of the machine."""

import getpass
import os
import platform
import re
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

# A path that does not begin in the current folder, alone or after a separator, up to a quote or bracket.
ELSEWHERE = re.compile(r"""(?:^|(?<=[\s=,;'"(\[]))(?:~/|/(?=\S)|\.\./|[A-Za-z]:[\\/]|\\\\)[^'",;)\]]*""")
NOBODY = {"root", "user", "admin", "ubuntu", "localhost", "home", "data", "runs", "glad"}  # names that tell nobody


def without_machine(value: Any, names: frozenset[str] | None = None) -> Any:
    """Return JSON `value` without paths of the machine and `names`; None stands for those of this machine and user.

    A path below the current folder becomes relative to it; of any other its last part stays. Keys, the import paths in
    `kind`, and strings that are one word (a method's switch) are left as they are.
    """
    names = machine_names() if names is None else names
    if isinstance(value, dict):
        return {key: item if key == "kind" else without_machine(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [without_machine(item, names) for item in value]
    return scrubbed(value, names) if isinstance(value, str) else value


def scrubbed(text: str, names: frozenset[str]) -> str:
    """Return `text` without paths from elsewhere, and with `user` for each of `names` in paths and sentences."""
    text = ELSEWHERE.sub(lambda found: _local(found[0]), text)
    if names and re.search(r"[\\/\s=]", text):
        text = re.sub(rf"\b({'|'.join(map(re.escape, sorted(names)))})\b", "user", text)
    return text


def _local(path: str) -> str:
    """Return a path relative to the current folder where it lies below it, otherwise its last part."""
    inside = Path(path)
    if inside.is_absolute() and inside.is_relative_to(Path.cwd()):
        return str(inside.relative_to(Path.cwd()))
    windows = "\\" in path or path[1:2] == ":"
    return (PureWindowsPath(path) if windows else PurePosixPath(path)).name.lstrip("~.")


def machine_names() -> frozenset[str]:
    """Return the names of the user and of the machine, as far as they tell anything."""
    found = {Path.home().name, platform.node(), platform.node().split(".")[0], os.environ.get("USER", "")}
    with suppress(KeyError, OSError):  # a user without a name
        found.add(getpass.getuser())
    return frozenset(name for name in found if len(name) > 2 and name.lower() not in NOBODY)


def places_told(text: str, names: frozenset[str] | None = None) -> list[int]:
    """Return the numbers of the lines of a program that name a folder of the machine, or one of `names`."""
    names = machine_names() if names is None else names
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        quoted = re.findall(r"""["']((?:~|/|[A-Za-z]:[\\/])[^"']+)["']""", line)
        if quoted or any(re.search(rf"\b{re.escape(name)}\b", line) for name in names):
            found.append(number)
    return found
