"""The page of a published run: what it is, its use, what it saw, how well it does, its data and limits."""

import sys
from pathlib import Path
from typing import Any

from glad import __version__
from glad.recipe import Recipe, Videos

PAPER = "https://openaccess.thecvf.com/content/WACV2024/html/Lee_GLAD_Global-Local_View_Alignment_and_Background_Debiasing_for_Unsupervised_Video_WACV_2024_paper.html"
# What is known of videos by a word in the recipe's paths; whoever publishes checks it at the source.
KNOWN = {
    ("kinetics", "k400"): "Kinetics: annotations CC BY 4.0; the videos are their uploaders', each under its own terms",
    ("babel", "amass"): "BABEL and AMASS: for non-commercial scientific research, by registration",
    ("epic", "epic55"): "EPIC-KITCHENS: CC BY-NC 4.0",
    ("data/mini",): "mini, which glad generates: as the package, BSD-3-Clause",
}


def model_card(
    recipe: Recipe,
    classes: tuple[str, ...],
    step: int,
    *,
    scores: dict[str, Any] | None,
    files: dict[str, Any],
    code: tuple[str, ...],
    license: str,
    address: str,
) -> str:
    """Return the page as Markdown, with the header in YAML that the Hugging Face Hub reads.

    Args:
        recipe: without paths of the machine.
        classes: in label order.
        step: of the published weights.
        scores: what `scores.json` holds, of these weights; None where they were never scored.
        files: what the training read, as `data.json` holds it, without paths of the machine.
        code: names of the files of code that the recipe needs and glad has not.
        license: of the weights, as the hub calls licences; `unknown` where nobody said.
        address: what `glad pull` is to be given.
    """
    sections = [
        header(recipe, license),
        f"# {recipe.name}\n\n{opening(recipe, classes, step)}",
        f"## Use\n\n{use(address, code)}",
        f"## Classes\n\n{', '.join(f'{number} {name}' for number, name in enumerate(classes))}",
        f"## Protocol\n\n{protocol(recipe, step)}",
        f"## Scores\n\n{scored(recipe, classes, scores)}",
        f"## Data and licences\n\n{data(recipe, files, license)}",
        f"## Limits\n\n{limits(recipe, classes, scores, code)}",
    ]
    return "\n\n".join(sections) + "\n"


def header(recipe: Recipe, license: str) -> str:
    """Return the header of the hub."""
    method = type(recipe.method).__name__.removesuffix("Config").lower()
    tags = ["video", "action-recognition", "domain-adaptation", method]
    lines = ["library_name: glad", "pipeline_tag: video-classification", f"license: {license}"]
    return "\n".join(["---", *lines, "tags:", *(f"- {tag}" for tag in dict.fromkeys(tags)), "---"])


def opening(recipe: Recipe, classes: tuple[str, ...], step: int) -> str:
    """Return what this is, in three sentences."""
    about = f" {recipe.about}" if recipe.about else ""
    clip, size = recipe.test_views.views(1, None), recipe.test_pixels.size
    views = ", ".join(f"{len(frames)} {name} of {frames.shape[1]} frames" for name, frames in clip.items())
    return (
        f"Names one of {len(classes)} actions in a video.{about} Weights after {step} steps, made by "
        f"glad {__version__}; a video is seen as clips of {size}x{size} pixels: {views}."
    )


def use(address: str, code: tuple[str, ...]) -> str:
    """Return how to use it in three lines."""
    named = f" --code run/code/{code[0]}" if code else ""
    lines = [f"glad pull {address} run", f"glad{named} predict run video.mp4", f"glad{named} export run --out exported"]
    text = "\n".join(["```", *lines, "```"])
    if code:
        text += (
            f"\n\nThe recipe needs {' and '.join(f'`code/{name}`' for name in code)}, which comes along and is not "
            "part of glad. Nothing of it runs until you name it by `--code`: read it first."
        )
    return text


def protocol(recipe: Recipe, step: int) -> str:
    """Return by which method it was trained, which labels were seen, and which rule chose the weights."""
    pair, chain = recipe.data, stages(recipe)
    seen = "labels of the source videos; " + (
        "the target's videos were seen without labels"
        if any(stage.untrained(2).needs.target for stage in chain)
        else "no video of the target was seen"
    )
    if pair.source.folder == pair.target.folder:
        seen = "**labels of the target**: its labelled videos are from the target's folder. It is an upper bound"
    rule = "the last checkpoint" if recipe.select == "last" else f"the rule `{recipe.select}`"
    if recipe.keep > 1 and recipe.select != "last":
        rule = f"{rule}, among {recipe.keep} kept checkpoints"
    if recipe.select == "oracle":
        rule += ", which **sees target labels of the test videos**: not a result of unsupervised adaptation"
    rows = [
        ("method", first_sentence(type(recipe.method).__module__, type(recipe.method).__name__)),
        ("backbone", first_sentence(type(recipe.backbone).__module__, type(recipe.backbone).__name__)),
        *(
            (f"stage {number}", f"`{stage.name}`: {stage.about}".removesuffix(": "))
            for number, stage in enumerate(chain, start=1)
        ),
        ("began with", chain[0].init or "random weights"),
        ("labels seen in training", seen),
        ("weights", f"step {step}, by {rule}"),
        ("seed", f"{recipe.seed}; one training"),
    ]
    table = "\n".join(f"| {name} | {text} |" for name, text in rows)
    return f"| | |\n| --- | --- |\n{table}\n\nEvery setting is in `recipe.json`. GLAD: [paper]({PAPER})."


def stages(recipe: Recipe) -> list[Recipe]:
    """Return the stages of a training, the first one first, this one last."""
    before = recipe.warmup()
    return [*(stages(before) if before else []), recipe]


def first_sentence(module: str, name: str) -> str:
    """Return how the file of a part opens, and what the part is called."""
    opening = (getattr(sys.modules.get(module), "__doc__", None) or "").strip().split("\n\n")[0]
    return f"`{name}`" + (f": {' '.join(opening.split())}" if opening else "")


def scored(recipe: Recipe, classes: tuple[str, ...], scores: dict[str, Any] | None) -> str:
    """Return the scores with their interval, or that there are none."""
    if scores is None:
        return "Not scored: these weights were published without an evaluation."
    low, high = scores["interval"]
    rows = [
        ("mean class accuracy", f"{percent(scores['mean_class_accuracy'])} [{percent(low)}, {percent(high)}]"),
        ("top-1, top-5", f"{percent(scores['top1'])}, {percent(scores['top5'])}"),
        ("chance", percent(1 / len(classes))),
    ]
    table = "\n".join(f"| {name} | {text} |" for name, text in rows)
    per_class = "\n".join(
        f"| {name} | {'–' if share is None else percent(share)} | {count} |"
        for name, share, count in zip(classes, scores["per_class"], scores["support"], strict=True)
    )
    return (
        f"On {scores['videos']} labelled target test videos (`{recipe.data.test.list}`), in percent, checkpoint rule "
        f"`{scores['select']}`. The interval is over test videos (95 %), not over trainings.\n\n"
        f"| | % |\n| --- | --- |\n{table}\n\n| class | right | test videos |\n| --- | --- | --- |\n{per_class}"
    )


def percent(share: float) -> str:
    """Return a share in percent, to a tenth."""
    return f"{100 * share:.1f}"


def data(recipe: Recipe, files: dict[str, Any], license: str) -> str:
    """Return which lists were read, with what is known of their licences, and what is not."""
    pair = recipe.data
    named: list[tuple[str, Videos | None]] = [("source", pair.source), ("target", pair.target), ("test", pair.test)]
    rows = []
    for role, videos in [*named, ("source_val", pair.source_val)]:
        if videos is not None:
            digest = (files.get(f"data.{role}.list") or {}).get("sha256")
            mark = f"`{digest[:16]}…`" if digest else "–"
            rows.append(f"| {role} | `{videos.list}` | {mark} | {known_licence(videos.list, videos.root)} |")
    if init := stages(recipe)[0].init:
        digest = (files.get("init") or {}).get("sha256") if init == recipe.init else None
        mark = f"`{digest[:16]}…`" if digest else "–"
        rows.append(f"| first weights | `{init}` | {mark} | {known_licence(Path(init), None)} |")
    table = "\n".join(["| | list | SHA-256 | licence of the data |", "| --- | --- | --- | --- |", *rows])
    of_weights = (
        "Nobody has said under which licence these weights are given."
        if license == "unknown"
        else f"The weights are given under `{license}`."
    )
    return (
        f"{table}\n\n{of_weights} What is told of the data's licences goes by the names of the files and may be "
        "incomplete; terms of the data may bind whoever uses the weights. No video is part of this."
    )


def known_licence(*paths: Path | None) -> str:
    """Return what glad knows of the licence of the videos at `paths`, by a word in them."""
    text = " ".join(str(path).lower() for path in paths if path is not None)
    found = [told for words, told in KNOWN.items() if any(word in text for word in words)]
    if text.startswith("glad:"):
        found = ["comes with glad: BSD-3-Clause"]
    return "; ".join(found) or "not known to glad"


def limits(recipe: Recipe, classes: tuple[str, ...], scores: dict[str, Any] | None, code: tuple[str, ...]) -> str:
    """Return what it cannot do, as a list."""
    found = [
        f"It always names one of its {len(classes)} classes, whatever the video shows.",
        "It was adapted to one target; on videos of another world its scores say nothing.",
    ]
    if scores is not None:
        pairs = list(zip(classes, scores["per_class"], strict=True))
        if lost := [name for name, share in pairs if share == 0]:
            found.append(f"Never right in the test: {', '.join(lost)}.")
        if untested := [name for name, share in pairs if share is None]:
            found.append(f"Without a test video: {', '.join(untested)}.")
    found.append("One training with one seed: another may score several points apart.")
    if code:
        found.append("It needs code that is not part of glad (see Use).")
    return "\n".join(f"- {line}" for line in found)
