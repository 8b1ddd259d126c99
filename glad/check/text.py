"""A report of a check in words for people, and as a value that JSON can hold for programs."""

from dataclasses import asdict
from typing import Any

from glad.check.clean import RULES, Cleaned
from glad.check.doctor import ListReport, Report
from glad.check.findings import KINDS, Level, Place

VERSION = 1  # of the JSON; a field may be added without a new one
Line = tuple[str, str]  # a line of text, and its style on a terminal

_EFFECTS = {
    "still": "one still frame",
    "repeats": "shows a frame more than once",
    "past_end": "",  # depends on the sampler
    "overlap": "two clips overlap",
    "coincide": "two clips are the same",
    "narrow": "covers less time than a local clip",
}


def report_lines(report: Report, shown: int = 5, cleaned: Cleaned | None = None) -> list[Line]:
    """Return the report as lines; of each kind of finding, `shown` are told one by one."""
    lines: list[Line] = []
    for one in report.lists:
        lines += [*_list_lines(one, report.recipe), ("", "")]
    names = {one.rows.number: one.rows.file.name for one in (*report.lists, *report.others)}
    for i, j, counts in report.shared:
        what = [_several(count, name[:-1]) for name, count in counts.items() if count and name != "names"]
        lines.append((f"{names[i]} and {names[j]} share {' and '.join(what) or 'no video and no recording'}", ""))
    for name, value in report.extra.items():
        lines.append((f"{name}: {value}", ""))
    if report.shared or report.extra:
        lines.append(("", ""))
    for level in ("problem", "note"):
        lines += _finding_lines(report, level, shown)
    if cleaned:
        lines += [*_clean_lines(cleaned), ("", "")]
    problems, notes = report.findings.total("problem"), report.findings.total("note")
    verdict = _several(problems, "problem") if problems else "no problems"
    lines.append((f"{verdict}, {_several(notes, 'note')}", "bold red" if problems else "bold green"))
    return lines


def _list_lines(one: ListReport, recipe: str) -> list[Line]:
    """Return what is said of one list."""
    rows = one.rows
    role = f"{one.asked.role}: " if one.asked.role else ""
    lines: list[Line] = [(f"{role}{rows.file}", "bold")]
    kind = "labelled" if rows.labelled else "without labels"
    count = f"  {_several(len(rows), 'row')}, {kind}, of {_several(len(rows.videos), 'video')}"
    if one.recordings != len(rows.videos):
        count += f" from {_several(one.recordings, 'recording')}"
    lines.append((count + (f"; {_several(len(rows.faults), 'row')} more cannot be used" if rows.faults else ""), ""))
    if rows.md5:
        known = f", the released {rows.released}" if rows.released else ""
        lines += [(f"  md5 {rows.md5}{known}", ""), (f"  sha256 {rows.sha256}", "")]
    if one.unseen:
        lines.append((f"  files not looked at: {one.unseen}", "yellow"))
    else:
        frames = f"; frame folders are {one.layout}" if one.layout else ""
        lines.append((f"  files below {rows.listing.root}{frames}", ""))
    if one.lengths:
        size = one.lengths
        known = "" if size.known == len(rows) else f" ({size.known:,} rows; of the others the length is not known)"
        short = f"; {int((rows.frames[rows.frames >= 0] < one.span).sum()):,} below {one.span}" if one.span else ""
        lines.append(
            (
                f"  frames: min {size.min}, median {size.median:g}, mean {size.mean:.1f}, max {size.max}{short}{known}",
                "",
            )
        )
    if one.overlaps.pairs or one.overlaps.same_label:
        some = {"one frame": one.overlaps.one_frame, "the very same frames": one.overlaps.identical}
        some = " and ".join(f"{count:,} {what}" for what, count in some.items() if count)
        lines.append(
            (
                f"  pairs of rows that share frames: {one.overlaps.pairs:,} under different labels"
                f"{some and f' ({some})'}, {one.overlaps.same_label:,} under the same one or none",
                "",
            )
        )
    lines += _class_lines(one)
    return lines + _view_lines(one, recipe)


def _class_lines(one: ListReport) -> list[Line]:
    if not one.classes:
        return []
    width = max(len(count.name or "") for count in one.classes)
    lines: list[Line] = [(f"  class{' ' * max(width - 1, 0)}   rows   share  median frames", "dim")]
    for count in one.classes:
        median = "–" if count.median_frames is None else f"{count.median_frames:g}"
        share = f"{100 * count.rows / len(one.rows):.1f} %"
        text = f"  {count.label:>3} {count.name or '':<{width}} {count.rows:>7,} {share:>7}  {median:>13}"
        lines.append((text, "red" if not count.rows else ""))
    return lines


def _view_lines(one: ListReport, recipe: str) -> list[Line]:
    """Return what the views of the samplers do to the rows of a list: a line an effect, a column a purpose."""
    if not any(one.views.values()):  # no sampler, or no length is known
        return []
    lines: list[Line] = [
        (
            f"  {f'clips of {recipe}: rows affected in' if recipe else 'clips: rows affected in':<53}"
            + "".join(f"{purpose:>20}" for purpose in one.views),
            "dim",
        )
    ]
    total = one.lengths.known if one.lengths else 0
    samplers = {"training": one.asked.training, "evaluation": one.asked.evaluation}
    for name in dict.fromkeys(name for views in one.views.values() for name in views):
        of = {purpose: views[name] for purpose, views in one.views.items() if name in views}
        view = next(iter(of.values()))
        title = f"{name} {view.clips} x {view.length}"
        for effect, words in _EFFECTS.items():
            values = {purpose: getattr(counts, effect) for purpose, counts in of.items()}
            if any(values.values()):
                holds = any((sampler := samplers[purpose]) and sampler.short != "wrap" for purpose in of)
                words = words or ("holds the last frame" if holds else "starts again at the first frame (wraps)")
                cells = "".join(f"{_share(values.get(purpose), total):>20}" for purpose in one.views)
                lines.append((f"    {title:<13} {words:<35}{cells}", ""))
                title = ""
        if title:
            lines.append((f"    {title:<13} every row as meant", ""))
    return lines


def _share(value: float | None, total: int) -> str:
    """Return a count of rows with its share."""
    return "" if value is None else f"{_number(value)} ({100 * value / total:4.1f} %)"


def _several(count: int, thing: str) -> str:
    """Return a count of things: `1 row`, `2 rows`."""
    return f"{count:,} {thing}{'s' * (count != 1)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _finding_lines(report: Report, level: Level, shown: int) -> list[Line]:
    """Return the findings of a level, kind by kind."""
    lines: list[Line] = []
    several = len(report.lists) > 1
    names = {one.rows.number: one.rows.file.name for one in report.lists}
    for kind, count in report.findings.counts().items():
        if KINDS[kind][0] != level:
            continue
        lines.append((f"{level} ({count:,}): {KINDS[kind][1]}", "red" if level == "problem" else "yellow"))
        items = [item for item in report.findings.items if item.kind == kind]
        for item in items[:shown]:
            place = (
                f"{names[item.at.list]} " if several and item.at and not item.other and item.at.list in names else ""
            )
            if several and item.other and item.at and item.other.list == item.at.list:
                place = f"{names[item.at.list]} "
            lines.append((f"  {place}{item.text}", ""))
        if shown and count > shown:
            told = f"; --show {count} or --json tells them" if len(items) == count else ", too many to tell one by one"
            lines.append((f"  … and {count - min(shown, len(items)):,} more{told}", "dim"))
    return [*lines, ("", "")] if lines else []


def _clean_lines(cleaned: Cleaned) -> list[Line]:
    lines: list[Line] = [
        (f"{cleaned.file}: {cleaned.kept:,} rows kept, {len(cleaned.dropped):,} dropped ({cleaned.beside})", "bold"),
        (f"  sha256 {cleaned.sha256}", ""),
    ]
    return [*lines, *((f"  {count:,} dropped: {RULES[rule]}", "") for rule, count in cleaned.counts().items())]


def report_json(report: Report, cleaned: Cleaned | None = None) -> dict[str, Any]:
    """Return everything in the report as what JSON can hold; docs/check.md says what the fields mean."""
    return {
        "version": VERSION,
        "clean": report.clean,
        "problems": report.findings.total("problem"),
        "notes": report.findings.total("note"),
        "counts": report.findings.counts(),
        "recipe": report.recipe or None,
        "decode": report.decode,
        "lists": [_list_json(one) for one in report.lists],
        "against": [{"list": str(one.rows.file), "number": one.rows.number} for one in report.others],
        "shared": [{"lists": [i, j], **counts} for i, j, counts in report.shared],
        "extra": report.extra,
        "findings": [
            {
                "kind": item.kind,
                "level": item.level,
                "text": item.text,
                "at": _place(item.at),
                "other": _place(item.other),
            }
            for item in report.findings.items
        ],
        "cleaned": None
        if cleaned is None
        else {
            "file": str(cleaned.file),
            "beside": str(cleaned.beside),
            "sha256": cleaned.sha256,
            "kept": cleaned.kept,
            "dropped": len(cleaned.dropped),
            "rules": cleaned.counts(),
        },
    }


def _place(place: Place | None) -> dict[str, int | None] | None:
    return None if place is None else asdict(place)


def _list_json(one: ListReport) -> dict[str, Any]:
    rows = one.rows
    return {
        "list": str(rows.file),
        "number": rows.number,
        "role": one.asked.role or None,
        "root": str(rows.listing.root),
        "files": one.unseen is None,
        "why_not": one.unseen,
        "md5": rows.md5 or None,
        "sha256": rows.sha256 or None,
        "released": rows.released,
        "labelled": rows.labelled,
        "rows": len(rows),
        "unusable": len(rows.faults),
        "videos": len(rows.videos),
        "recordings": one.recordings,
        "layout": str(one.layout) if one.layout else None,
        "frames": one.lengths._asdict() if one.lengths else None,
        "clip": one.span,
        "short": int(((rows.frames >= 0) & (rows.frames < one.span)).sum()) if one.span else None,
        "overlaps": one.overlaps._asdict(),
        "classes": [count._asdict() for count in one.classes],
        "views": {
            purpose: {name: asdict(view) for name, view in views.items()} for purpose, views in one.views.items()
        },
        "rows_by_kind": {kind: int(mask.sum()) for kind, mask in one.marks.items() if mask.any()},
    }
