"""What a run was made with: where its settings differ from those of others, and what it read, by SHA-256."""

import json
from collections.abc import Sequence
from typing import Any

from glad.fingerprint import fingerprints, sha256
from glad.report.record import RunRecord

UNSAID = {"about", "name", "kind"}
ABSENT = object()
FEW = 4  # settings of a part that are told in one cell


def differing(runs: Sequence[RunRecord]) -> list[tuple[str, list[str]]]:
    """Return the settings in which runs with a recipe differ, by dotted name, each with its value in every run.

    Of parts of different kinds, only settings that several of them have are compared; a dash: no such setting.
    """
    return differences("", [run.settings or ABSENT for run in runs])


def differences(name: str, values: Sequence[Any]) -> list[tuple[str, list[str]]]:
    """Return the differing leaves below nested `values`, one a run; ABSENT where a run has none."""
    known = [value for value in values if value is not ABSENT]
    if len(known) < 2 or all(value == known[0] for value in known):
        return []
    parts = [value for value in known if isinstance(value, dict)]
    if len(parts) < len(known):
        return [(name, [brief(value) for value in values])]
    found = []
    if len({part.get("kind") for part in parts}) > 1:
        found.append((name, ["–" if value is ABSENT else kind_of(value) for value in values]))
    for key in dict.fromkeys(key for part in parts for key in part if key not in UNSAID):
        inner = [value.get(key, ABSENT) if isinstance(value, dict) else ABSENT for value in values]
        found += differences(f"{name}.{key}".removeprefix("."), inner)
    return found


def kind_of(part: dict[str, Any]) -> str:
    """Return the class of a part, without the module it is from."""
    return str(part.get("kind", "")).rpartition(":")[2].removesuffix("Config")


def brief(value: Any) -> str:
    """Return a setting as a few words: a part by its kind, and its settings where they are few."""
    if value is ABSENT:
        return "–"
    if isinstance(value, dict):
        if "name" in value:
            return str(value["name"])
        inner = [f"{key} {brief(each)}" for key, each in value.items() if key != "kind"]
        return f"{kind_of(value)}: {', '.join(inner)}" if len(inner) <= FEW else kind_of(value)
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def hashes(run: RunRecord) -> list[dict[str, str]]:
    """Return the files a run read and the weights it was scored with: name, path, SHA-256, and what became of each."""
    now = fingerprints(run.recipe) if run.recipe is not None else {}
    rows = []
    for name in dict.fromkeys([*run.files, *now]):
        then, today = run.files.get(name), now.get(name)
        sum_then = then["sha256"] if then else None
        sum_today = today["sha256"] if today else None
        if sum_then and sum_today:
            state = "the same today" if sum_then == sum_today else "changed since the training"
        elif sum_then:
            state = "not there today"
        elif sum_today:
            state = "of today; the run wrote none down"
        else:
            state = "not there"
        path = (then or today or {})["path"]
        rows.append({"name": name, "path": path, "sha256": sum_then or sum_today or "", "state": state})
    step = run.about.get("step")
    kept = run.path / "kept" / f"{step}.pt"
    weights = next((file for file in (kept, run.path / "last.pt") if file.exists()), run.path / "weights.safetensors")
    if (found := sha256(weights)) is not None:
        state = f"scored, step {step}" if step is not None else "the last checkpoint"
        rows.append({"name": "weights", "path": str(weights), "sha256": found, "state": state})
    return rows
