"""What was measured between two domains, for people: beside Table 1 of the paper, on a terminal or in a report."""

import base64
import json
from pathlib import Path
from typing import Any

from markupsafe import Markup

from glad.errors import UserError

NAMED = 3  # left-out videos named on the terminal; gaps.json names all
CHARTS = {
    "lengths": "How long the videos are (Fig. 1c), and Δtemp as the area between two curves.",
    "benchmarks": "The paper's benchmarks and this pair (Fig. 2).",
    "classes": "How the classes are filled.",
}
NOT_STATED = "the paper states neither the frames nor the layer of its scene features: 0.31 is no target"


def table_rows(found: dict[str, Any]) -> list[dict[str, str]]:
    """Return the published rows of Table 1 and the measured one as cells; marks lead to `notes`."""
    rows, marks = [], {}
    for row in found["published"]:
        mark = marks.setdefault(row["note"], "*†‡"[len(marks)]) if row["note"] else ""
        videos, points = (mark if row["note"].startswith(what) else "" for what in ("videos", "ΔAcc"))
        rows.append(
            {
                "benchmark": row["label"],
                "classes": str(row["classes"]),
                "videos": f"{videos}{row['videos']:,}",
                "Δbg": f"{row['scenes']:.2f}",
                "Δtemp": f"{row['frames']:.1f}",
                "ΔAcc": f"{points}{row['points']:.1f}",
            }
        )
    scenes, accuracy = found["scenes"], found["accuracy"]
    rows.append(
        {
            "benchmark": f"{found['name']} (measured)",
            "classes": str(len(found["classes"]["names"])) if "names" in found["classes"] else "–",
            "videos": f"{found['source']['videos'] + found['target']['videos']:,}",
            "Δbg": f"§{scenes['value']:.2f}" if "value" in scenes else "–",
            "Δtemp": f"{found['temporal']['value']:.1f}",
            "ΔAcc": f"{accuracy['value']:.1f}" if "value" in accuracy else "–",
        }
    )
    return rows


def notes(found: dict[str, Any]) -> list[str]:
    """Return what the marks of the table mean."""
    texts = dict.fromkeys(row["note"] for row in found["published"] if row["note"])
    lines = [f"{mark} {text}" for mark, text in zip("*†‡", texts, strict=False)]
    if "value" in found["scenes"]:
        lines.append(f"§ {found['scenes']['encoder']}" + (f"; {NOT_STATED}" if found["scenes"]["of_paper"] else ""))
    return lines


def sentences(found: dict[str, Any]) -> list[str]:
    """Return each gap in a sentence: what it is made of, or why there is none."""
    sides = [
        f"{side} {at['frames']['min']} to {at['frames']['max']} frames, median {at['frames']['median']:g}, "
        f"mean {at['frames']['mean']:.1f}"
        for side in ("source", "target")
        for at in [found[side]]
    ]
    lines = [f"Δtemp {found['temporal']['value']:.4f} frames: {'; '.join(sides)}"]
    for side in ("source", "target"):
        lines += left_out(f"Δtemp, {side}", found[side]["left_out"])
    return [*lines, *_scenes(found["scenes"]), _accuracy(found["accuracy"]), *_classes(found["classes"])]


def _scenes(scenes: dict[str, Any]) -> list[str]:
    if "value" not in scenes:
        return [f"Δbg   not measured: {scenes['missing']}"]
    lines = [
        f"Δbg   {scenes['value']:.4f}: from source to target {scenes['source_to_target']:.4f}, "
        f"back {scenes['target_to_source']:.4f}; videos of {_counted(scenes)}",
    ]
    inside = [
        f"{side} {scenes[f'inside_{side}']:.4f}"
        for side in ("source", "target")
        if scenes[f"inside_{side}"] is not None
    ]
    if inside:
        lines.append(f"      to the nearest other video of the same domain, for comparison: {', '.join(inside)}")
    if scenes["limit"] is not None and tuple(scenes["videos"]) != tuple(scenes["of"]):
        lines.append("      a sample makes Δbg larger on average: the nearest of fewer videos is farther away")
    return lines + left_out("Δbg", scenes["left_out"])


def _counted(scenes: dict[str, Any]) -> str:
    parts = [
        f"{side} {seen:,}" if seen == of else f"{side} {seen:,} of {of:,}"
        for side, seen, of in zip(("source", "target"), scenes["videos"], scenes["of"], strict=True)
    ]
    return ", ".join(parts)


def left_out(of: str, problems: list[str]) -> list[str]:
    """Return how many videos a measure had to do without, the first of them by name."""
    if not problems:
        return []
    more = f"\n        and {len(problems) - NAMED} more: gaps.json" if len(problems) > NAMED else ""
    named = "".join(f"\n        {problem}" for problem in problems[:NAMED])
    return [f"      {of}: {len(problems)} video{'s' if len(problems) > 1 else ''} left out:{named}{more}"]


def _accuracy(accuracy: dict[str, Any]) -> str:
    if "value" not in accuracy:
        return f"ΔAcc  not measured: {accuracy['missing']}"
    interval = accuracy["interval"]
    bounds = f" [{interval[0]:.1f}, {interval[1]:.1f}]" if interval else ""
    words = [
        f"{recipe} {accuracy[which]:.1f} % (checkpoint '{rule}'{', sees target labels' if rule == 'oracle' else ''})"
        for which, recipe, rule in zip(
            ("source_only", "supervised"), accuracy["recipes"], accuracy["select"], strict=True
        )
    ]
    return f"ΔAcc  {accuracy['value']:.1f} points{bounds} between one run each: {', '.join(words)}"


def _classes(classes: dict[str, Any]) -> list[str]:
    filled = [
        f"{side} {classes[f'{side}_imbalance']:.1f}" for side in ("source", "target") if f"{side}_imbalance" in classes
    ]
    if not filled:
        return [f"classes: {classes['missing']}"]
    lines = [f"classes: the largest over the smallest, {', '.join(filled)}"]
    if "total_variation" in classes:
        lines[0] += (
            f"; between the two, total variation {classes['total_variation']:.3f}, "
            f"Jensen-Shannon distance {classes['jensen_shannon']:.3f}"
        )
    else:
        lines[0] += f"; {classes['missing']}"
    for side in ("source", "target"):
        empty = [name for name, count in zip(classes["names"], classes.get(side, ()), strict=False) if not count]
        if empty:
            lines.append(f"      the {side} has no video of {', '.join(empty)}")
    return lines


def gaps_text(found: dict[str, Any]) -> str:
    """Return everything for a terminal."""
    rows = table_rows(found)
    lines = [{name: name for name in rows[0]}, *rows]
    widths = {name: max(len(line[name]) for line in lines) for name in rows[0]}
    table = []
    for line in lines:
        cells = [
            cell.ljust(widths[name]) if name == "benchmark" else cell.rjust(widths[name]) for name, cell in line.items()
        ]
        table.append("  ".join(cells).rstrip())
    return "\n".join(
        ["Table 1 of the paper; Δtemp in frames, ΔAcc in points", "", *table, *notes(found), "", *sentences(found)]
    )


def gap_section(folder: Path) -> dict[str, Any]:
    """Return what a report shows of a folder that `glad gaps` wrote: rows, notes, sentences, and charts as `<img>`."""
    try:
        found = json.loads((folder / "gaps.json").read_text(encoding="utf-8"))
        rows, below, said = table_rows(found), notes(found), sentences(found)
    except FileNotFoundError:
        raise UserError(
            f"{folder} has no gaps.json; measure the gaps first: glad gaps SOURCE TARGET --out {folder}"
        ) from None
    except (ValueError, KeyError, TypeError) as problem:
        raise UserError(f"{folder / 'gaps.json'} is not what `glad gaps` writes ({problem!r}); measure again") from None
    charts = [
        Markup('<img src="data:image/svg+xml;base64,{}" alt="{}">').format(
            base64.b64encode((folder / f"{name}.svg").read_bytes()).decode("ascii"), text
        )
        for name, text in CHARTS.items()
        if (folder / f"{name}.svg").exists()
    ]
    return {"name": found["name"], "rows": rows, "notes": below, "sentences": said, "charts": charts}
