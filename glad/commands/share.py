"""Commands that let a run leave glad, and travel. Each imports what it needs when it is called."""

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

Run = Annotated[Path, Positional, arg(metavar="RUN")]


def export(
    run: Run,
    out: Path = Path("exported"),
    format: tuple[Literal["onnx", "torch"], ...] = ("onnx",),
) -> None:
    """Write a run's prediction as ONNX or .pt2, checked against the run (docs/export.md).

    The file takes uint8 clips, any number of videos at once, and gives probabilities. Which frames make a clip, what is
    done to their pixels, and the names of the classes are JSON inside of it, and beside it in model.json.

    Args:
        run: a run folder.
        out: folder for model.onnx, model.pt2 and model.json.
        format: onnx, torch, or both.
    """
    import glad.export
    from glad.commands.runs import some
    from glad.run import Run

    written = glad.export.export(Run(run), out, tuple(some(format, "format")))
    for one in written:
        size = one.file.stat().st_size / 2**20
        print(f"{one.file}: {size:.1f} MiB, probabilities within {one.difference:.1g} of the run's")
    print(f"{out / glad.export.ABOUT}: frames, pixels and classes, as in the file itself")


def push(
    run: Run,
    to: Annotated[str, Positional, arg(metavar="TO")],
    license: str = "unknown",
    private: bool = False,
) -> None:
    """Publish a run with a model card, in a folder or on the Hugging Face Hub (docs/export.md).

    That is: weights (safetensors), recipe, classes, scores, environment and README.md. Folders of this machine and the
    user's name are taken out of what the run wrote down.

    Args:
        run: a run folder.
        to: USER/NAME on the hub, or a folder such as ./published.
        license: of the weights, as the hub calls it: cc-by-4.0, cc-by-nc-4.0, mit, ...
        private: a new name on the hub is seen by its owner alone.
    """
    from glad.run import Run
    from glad.share import place_at
    from glad.share import push as published

    print(f"published: {published(Run(run), place_at(to), license=license, private=private)}")


def pull(
    source: Annotated[str, Positional, arg(metavar="FROM")],
    out: Annotated[Path, Positional, arg(metavar="OUT")],
) -> None:
    """Fetch a published run from the Hugging Face Hub or a folder; nothing of it is run (docs/export.md).

    Args:
        source: USER/NAME on the hub, or a folder.
        out: the run folder that it becomes.
    """
    from glad.share import place_at
    from glad.share import pull as fetched

    run = fetched(place_at(source), out)
    print(f"fetched: {run.folder}")
    if code := sorted(path.relative_to(run.folder) for path in run.folder.glob("code/*.py")):
        named = " ".join(f"--code {run.folder / path}" for path in code)
        print(f"its code, which is not part of glad, was not run; read it, then: glad {named} predict {out} VIDEO")
