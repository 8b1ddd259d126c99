"""Writes the tables of docs/performance.md from the rows that the benchmarks kept: `python benchmarks/table.py`."""

import json
import re
from pathlib import Path

from turns import RESULTS, Row

PAGE = RESULTS.with_suffix(".md")
ORDER = ("sample", "loader", "pack", "clips", "backgrounds", "predict", "step", "mini", "startup", "memory", "growth")


def table(files: list[Path]) -> str:
    """Return the rows of `files` as Markdown: a table of all goals, then what else was measured, with its command."""
    lines = [
        "| path | against | times faster | goal | share of the floor | goal | reached |",
        "|---|---|---|---|---|---|---|",
    ]
    details: list[str] = []
    for file in files:
        content = json.loads(file.read_text(encoding="utf-8"))
        machine = content["machine"]
        where = machine["gpu"] or f"{machine['cores']} cores of {machine['cpu']}"
        details += ["", f"`{content['command']}` on {where}, torch {machine['torch']}, load {machine['load']}:", ""]
        for row in (Row(**values) for values in content["rows"]):
            lines.append(f"| {' | '.join(cells(row))} |")
            told = [
                f"{name} {value if isinstance(value, str) else f'{value:.4g}'}" for name, value in row.figures.items()
            ]
            spread = f"rounds from {row.ratio[1]:.2f} to {row.ratio[2]:.2f}" if row.ratio else ""
            floor = f"the floor is {row.floor}" if row.floor else ""
            facts = "; ".join(part for part in (spread, floor, *told) if part)
            details.append(f"- **{row.path}**: {facts or 'no further figures'}.{f' {row.note}' if row.note else ''}")
    return "\n".join([*lines, *details])


def cells(row: Row) -> list[str]:
    """Return the cells of one row of the table of goals."""
    return [
        row.path,
        row.peer or "–",
        f"{row.ratio[0]:.2f}" if row.ratio else "–",
        f"≥ {row.reach:g}" if row.reach is not None else "–",
        f"{100 * row.share:.0f} %" if row.share is not None else "–",
        f"≥ {100 * row.share_reach:.0f} %" if row.share_reach is not None else "–",
        {True: "yes", False: "**no**", None: "–"}[row.met],
    ]


def main() -> None:
    found = sorted(RESULTS.glob("*.json"), key=lambda file: (file.stem.rpartition("-")[2], place(file), file.stem))
    marked = re.compile(r"(<!-- rows -->\n).*(<!-- end of rows -->)", re.DOTALL)
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(marked.sub(lambda match: f"{match[1]}{table(found)}\n{match[2]}", text), encoding="utf-8")
    print(f"{PAGE.name}: {len(found)} files of rows")


def place(file: Path) -> int:
    """Return where a file of rows stands in the table."""
    script = file.stem.rpartition("-")[0]
    return ORDER.index(script) if script in ORDER else len(ORDER)


if __name__ == "__main__":
    main()
