"""A project of one's own: from two folders of videos to a recipe file that trains as it stands (`glad init`)."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from glad.check.doctor import Asked, Report, lists_report
from glad.check.findings import KINDS, Finding
from glad.data.background import extract_backgrounds
from glad.data.listfile import read_classes
from glad.data.listing import Listing, open_listing
from glad.data.pack import is_pack
from glad.errors import UserError
from glad.files import atomic
from glad.gaps import temporal_gap
from glad.machine import machine_at_hand
from glad.process import leave_cores
from glad.recipe_file import NETWORKS, BackboneName, Settings, Sizes, recipe_text
from glad.recipes.find import module_at, recipes_in
from glad.sizing import LENGTH, interval_for, sizes, training_minutes

NAMED = 20  # broken videos that are told one by one
TOLD = ("duplicate", "overlap", "shared_video", "shared_recording")  # problems one can train with
SAID = ("class",)  # refused of the source where it is read, and part of the summary of a test set


@dataclass(frozen=True)
class Project:
    """What `glad init` is told.

    Attributes:
        file: the recipe file to write.
        source, target, test: class folders, or labelled lists; videos, or a list; class folders, a list, or None.
        classes: file of class names, where the source is a text list.
        target_labelled: the rows of the target's list end in labels, which are dropped.
        backbone: a name in NETWORKS.
        weights: file for the backbone to start from; None is what NETWORKS says.
        workers: processes; None is as many as suit the machine.
        source_root, target_root, test_root: where the paths of a list start; None is the folder of the list.
    """

    file: Path
    source: Path
    target: Path
    test: Path | None = None
    classes: Path | None = None
    target_labelled: bool = False
    backbone: BackboneName = "small"
    weights: Path | None = None
    workers: int | None = None
    source_root: Path | None = None
    target_root: Path | None = None
    test_root: Path | None = None

    @property
    def name(self) -> str:
        """What the recipe is called, as its file."""
        return self.file.stem

    @property
    def backgrounds(self) -> Path:
        """The folder of the source's backgrounds, beside the recipe file."""
        return self.file.with_name(f"{self.name}-backgrounds")


@dataclass(frozen=True)
class Videos:
    """A checked set of videos: the listing, and how many frames each has, int64 (n,)."""

    listing: Listing
    lengths: np.ndarray

    def counted(self, kind: str) -> str:
        """Return how many videos there are and how long they are, in words."""
        low, middle, high = (int(np.quantile(self.lengths, share)) for share in (0, 0.5, 1))
        span = f"{low} frames each" if low == high else f"{low} to {high} frames, half of them up to {middle}"
        return f"{len(self.lengths)} {kind} video{'s' if len(self.lengths) > 1 else ''} of {span}"


def begin(project: Project, *, force: bool = False) -> str:
    """Write the recipe file of `project`, prepare what it needs, and return what was found and what to do next.

    Videos that cannot be read, one class alone, a folder used twice and the like are refused, before anything is
    written. Backgrounds that are there are kept. The file appears last and whole, once a step of each of its recipes
    has been made.

    Args:
        project: what the user said.
        force: write over a file that is there.
    """
    check_names(project, force)
    machine = machine_at_hand()
    workers = machine.workers if project.workers is None else project.workers
    leave_cores(workers)
    listings = listings_of(project)
    classes = listings[0].classes
    assert classes is not None
    report = lists_report(asked_of(project, classes), decode="sample", workers=workers)
    refuse_broken(report, labels_hint(project, classes))
    frames = (one.rows.frames for one in report.lists)
    source, target, *test = (Videos(listing, lengths) for listing, lengths in zip(listings, frames, strict=True))

    made = extract_backgrounds(source.listing, source.listing.root, project.backgrounds, workers)
    lines = summary_lines(source, target, test)
    settings = settings_of(project, classes, sizes(project.backbone, source.lengths, target.lengths, machine))
    settings, minutes = written(project, replace(settings, found=(*lines, str(machine))), workers)
    pictures = f"{made} made, {len(source.lengths) - made} were there" if made < len(source.lengths) else f"{made} made"
    if settings.weights is None:
        lines.append(
            f"{project.backbone} starts from random weights: name public ones by --weights (docs/backbones.md)"
        )
    lines += [*check_lines(report), f"backgrounds: {pictures}, in {project.backgrounds}"]
    return "\n".join([*lines, f"written: {project.file}", "", *next_steps(project, settings, workers, minutes)])


def written(project: Project, settings: Settings, workers: int) -> tuple[Settings, float]:
    """Write the recipe file once a few steps of it have been made; return what it says, and its minutes of training.

    Where a step does not fit the memory of the GPU, the batch is halved.
    """
    try:
        with atomic(project.file) as temporary:
            temporary.write_text(recipe_text(settings, project.file.parent), encoding="utf-8")
            recipe = recipes_in(module_at(str(temporary)))[project.name]
            return settings, training_minutes(recipe, settings.classes, workers)
    except torch.OutOfMemoryError:
        half = settings.sizes.batch_size // 2
    if half < 2:
        raise UserError(
            f"not even {settings.sizes.batch_size} videos of each domain fit the memory of the GPU; free it, or "
            "choose --backbone small"
        )
    torch.cuda.empty_cache()
    return written(project, replace(settings, sizes=replace(settings.sizes, batch_size=half)), workers)


def check_names(project: Project, force: bool) -> None:
    """Refuse a name that is no file name, a file that is there, and folders that hold one another."""
    file = project.file
    if not re.fullmatch(r"\w[\w .+-]*", project.name):
        raise UserError(f"{project.name!r} cannot be a project's name: use letters, digits, spaces and . + - _")
    if file.exists() and not force:
        raise UserError(f"{file} is there already; give the project another name, or --force to write over it")
    if project.weights is not None and not project.weights.exists():
        raise UserError(f"there are no weights at {project.weights}")
    given = {"source": project.source, "target": project.target}
    given |= {"test": project.test} if project.test else {}
    roots = {"source": project.source_root, "target": project.target_root, "test": project.test_root}
    for what, root in roots.items():
        if root is not None and (what not in given or given[what].is_dir()):
            raise UserError(f"--{what}-root goes with a list, and --{what} is none; leave it out")
        if root is not None and not root.is_dir() and not is_pack(root):
            raise UserError(f"there is no folder {root} (--{what}-root)")
    places = [(f"--{what} {path}", path.resolve()) for what, path in given.items()]
    for k, (what, path) in enumerate(places):
        for other, there in places[:k]:
            if path == there:
                raise UserError(f"{other} and {what} are the same videos; a project has two kinds, labelled and not")
            for (inner, inside), (outer, around) in (((what, path), (other, there)), ((other, there), (what, path))):
                if inside.is_relative_to(around):
                    raise UserError(f"{inner} lies inside {outer}, and its videos would belong to both; move one away")
        if project.backgrounds.resolve().is_relative_to(path):
            raise UserError(
                f"the backgrounds beside {file} would lie inside {what} and be taken for videos; put the recipe file "
                "elsewhere, as in `glad init ../NAME`"
            )


def listings_of(project: Project) -> list[Listing]:
    """Return the labelled source, the target without labels, and the labelled test videos if there are any."""
    classes = read_classes(project.classes) if project.classes else None
    if project.source.is_file() and project.source.suffix.lower() != ".csv" and classes is None:
        raise UserError(f"{project.source} is a list, whose labels need names: --classes FILE with one name a line")
    source = open_listing(project.source, classes, labelled=True, root=project.source_root)
    classes = source.classes
    if classes is None:
        raise UserError(f"{project.source} numbers its classes; name them with --classes FILE, one name a line")
    if len(classes) == 1:
        raise UserError(
            f"{project.source} has one class alone, {classes[0]}; there is nothing to tell apart without a second"
        )
    try:
        target = target_listing(project, classes, project.target_labelled)
    except UserError as problem:
        raise UserError(f"{problem}{labels_hint(project, classes)}") from None
    if project.test is None:
        return [source, target]
    test = open_listing(project.test, classes, labelled=True, root=project.test_root, allow_empty_classes=True)
    return [source, target, test]


def target_listing(project: Project, classes: tuple[str, ...], labelled: bool) -> Listing:
    """Return the target, whose rows end in labels or not; they are dropped where they are read."""
    return open_listing(
        project.target,
        classes,
        labelled=labelled,
        keep_labels=False,
        root=project.target_root,
        allow_empty_classes=True,
    )


def labels_hint(project: Project, classes: tuple[str, ...]) -> str:
    """Return what to add to a fault of the target's list where its rows may well end in labels; else nothing."""
    if project.target_labelled or not project.target.is_file():
        return ""
    try:
        open_listing(project.target, classes, labelled=True, root=project.target_root, allow_empty_classes=True)
    except UserError:
        return ""
    return f"\nthe rows of {project.target} may end in labels; if they do, say so by --target-labelled"


def asked_of(project: Project, classes: tuple[str, ...]) -> list[Asked]:
    """Return what the check is to look at: the lists of the project, and what each is for."""
    labelled = project.target_labelled
    names = classes if labelled else None
    asked = [
        Asked(project.source, project.source_root, True, classes, role="source", use="train"),
        Asked(project.target, project.target_root, labelled, names, role="target", use="train"),
    ]
    if project.test is not None:
        asked.append(Asked(project.test, project.test_root, True, classes, role="test", use="held_out"))
    return asked


def refuse_broken(report: Report, hint: str) -> None:
    """Refuse videos that training or evaluation would stumble over, all of them together and each by name.

    `hint` is what may help where they are the target's.
    """
    fatal = {kind for kind, (level, _) in KINDS.items() if level == "problem"}.difference(TOLD, SAID)
    broken = [item for item in report.findings.items if item.kind in fatal]
    count = sum(n for kind, n in report.findings.counts().items() if kind in fatal)
    unseen = [f"{one.rows.file}: {one.unseen}" for one in report.lists if one.unseen]
    if not count and not unseen:
        return
    told = [*unseen, *(f"{place_of(report, item)}{item.text}" for item in broken[:NAMED])]
    more = [f"and {count - NAMED} more"] if count > NAMED else []
    problems = "1 problem" if count + len(unseen) == 1 else f"{count + len(unseen)} problems"
    if not any(item.at is not None and report.lists[item.at.list].asked.role == "target" for item in broken):
        hint = ""
    raise UserError(
        f"{problems} with the videos; repair them or take them out, and run again:\n" + "\n".join(told + more) + hint
    )


def place_of(report: Report, item: Finding) -> str:
    """Return the list that a finding is about, to open its line with."""
    return "" if item.at is None else f"{report.lists[item.at.list].asked.role}: "


def check_lines(report: Report) -> list[str]:
    """Return what the check found besides what is refused: a line a kind, with an example."""
    counts = {kind: count for kind, count in report.findings.counts().items() if kind not in SAID}
    if not counts:
        return ["check: every video is there and can be decoded at its beginning, middle and end"]
    lines = []
    for kind, count in counts.items():
        first = next((item for item in report.findings.items if item.kind == kind), None)
        example = f", for one {place_of(report, first)}{first.text}" if first else ""
        lines.append(f"check: {count} {KINDS[kind][1]}{example}")
    return lines


def summary_lines(source: Videos, target: Videos, test: Sequence[Videos]) -> list[str]:
    """Return what was found, a line each: counts, lengths, classes, the distance of the lengths, short videos."""
    classes = source.listing.classes or ()
    counts = np.bincount(source.listing.labels, minlength=len(classes))
    lines = [
        f"source: {source.counted('labelled')}",
        f"{len(classes)} classes: {', '.join(f'{name} {count}' for name, count in zip(classes, counts, strict=True))}",
        f"target: {target.counted('unlabelled')}",
    ]
    for videos in test:
        tested = np.bincount(videos.listing.labels, minlength=len(classes))
        absent = [name for name, count in zip(classes, tested, strict=True) if not count]
        lines.append(f"test: {videos.counted('labelled')}" + (f"; none of {', '.join(absent)}" if absent else ""))
    lines.append(f"distance of the lengths (Δ_temp, Eq. 2): {temporal_gap(source.lengths, target.lengths):.1f} frames")
    span = LENGTH * interval_for(source.lengths, target.lengths)
    short = [(int((videos.lengths < span).sum()), kind) for videos, kind in ((source, "source"), (target, "target"))]
    if any(count for count, _ in short):
        told = " and ".join(f"{count} {kind} video{'s' if count > 1 else ''}" for count, kind in short if count)
        lines.append(f"shorter than a clip of {span} frames, so that the last frame is held: {told}")
    return lines


def settings_of(project: Project, classes: tuple[str, ...], chosen: Sizes) -> Settings:
    """Return what the recipe file is to say."""
    return Settings(
        name=project.name,
        classes=classes,
        source=project.source,
        target=project.target,
        test=project.test,
        source_root=project.source_root,
        target_root=project.target_root,
        test_root=project.test_root,
        target_labelled=project.target_labelled,
        backgrounds=project.backgrounds,
        network=project.backbone,
        weights=str(project.weights.absolute()) if project.weights else NETWORKS[project.backbone].weights,
        sizes=chosen,
    )


def next_steps(project: Project, settings: Settings, workers: int, minutes: float) -> list[str]:
    """Return the commands that come next, with what each is for."""
    file = shlex.quote(str(project.file))
    alone, both = (shlex.quote(f"runs/{name}") for name in (f"{project.name}-source-only", project.name))
    loaders = f" --workers {workers}"
    amount = f"about {minutes / 60:.0f} hours" if minutes >= 100 else f"about {minutes:.0f} minutes"
    took = f"{amount if minutes >= 1.5 else 'a minute or so'} here"
    target, named = project.target, "names the action in every unlabelled video"
    if not target.is_dir():
        target, named = project.target_root or target.parent, f"{named}, and in all others of that folder"
    commands = [
        (f"glad train {file}{loaders}", f"GLAD, both stages: {took}"),
        (f"glad predict {both} {shlex.quote(str(target))}", named),
    ]
    if project.test is not None:
        commands += [
            (f"glad train {file}:{shlex.quote(settings.name + '-source-only')}{loaders}", "what GLAD is compared with"),
            (f"glad evaluate {alone} {both}", "scores of both on the test videos"),
        ]
    width = max(len(command) for command, _ in commands)
    return [f"{command:<{width}}   # {why}" for command, why in commands]
