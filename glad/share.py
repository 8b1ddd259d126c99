"""Gives a run to others and takes theirs: through a local folder, or the Hugging Face Hub."""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from glad.errors import UserError
from glad.files import atomic, write_text, writing
from glad.hub import create, download, files_on_hub, upload
from glad.modelcard import model_card
from glad.progress import say
from glad.recipe import Recipe, read_recipe
from glad.run import PREDICTION, Run, published_checkpoint
from glad.scrub import places_told, without_machine

NEEDED = ("recipe.json", "classes.txt", "weights.safetensors")
NAMES = (*NEEDED, "README.md", "scores.json", "environment.json", "data.json")
CODE = "code/*.py"
HUB = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Place:
    """Where a published run is: a folder here, or a name on the hub."""

    folder: Path | None
    hub: str | None

    def __str__(self) -> str:
        return self.hub or str(self.folder)


def place_at(text: str) -> Place:
    """Return what `text` names: `hf:user/name` or `user/name` on the hub, anything else a local folder.

    What could be either, because there is a local folder `user`, is refused.
    """
    bare = text.removeprefix("hf:")
    if bare != text:
        if not HUB.fullmatch(bare):
            raise UserError(f"'{text}': a name on the hub is hf:USER/NAME")
        return Place(None, bare)
    if not HUB.fullmatch(text) or text.startswith(".") or Path(text).is_dir():
        return Place(Path(text).expanduser(), None)
    if Path(text).parent.is_dir():
        raise UserError(
            f"'{text}' may be a new folder in {Path(text).parent} or a name on the Hugging Face Hub; write ./{text} or "
            f"hf:{text}"
        )
    return Place(None, text)


def push(run: Run, to: Place, *, license: str = "unknown", private: bool = False) -> str:
    """Publish the checkpoint that the recipe's rule chose, and return where it is.

    Args:
        run: a trained run; a published one may be published again.
        to: a folder, which is new, empty, or one that was published before; or a name on the hub.
        license: of the weights, in the words of the hub.
        private: whether a name that is new on the hub is seen by its owner alone.
    """
    if to.folder is not None:
        with folder_for(to.folder) as temporary:
            write_published(run, temporary, license, to.folder.resolve().name)
        return str(to.folder)
    assert to.hub is not None
    with tempfile.TemporaryDirectory() as name:
        write_published(run, folder := Path(name) / "run", license, to.hub)
        there = files_on_hub(to.hub)
        check_published(to.hub, there or [])
        if there is None:
            create(to.hub, private)
        message = f"Weights of step {published_checkpoint(folder / 'weights.safetensors')['step']}"
        upload(to.hub, folder, message, stale=["*.json", CODE])
    return f"https://huggingface.co/{to.hub}"


def pull(place: Place, out: Path) -> Run:
    """Fetch a published run into `out`, a folder that is new, empty, or was fetched before; nothing of it is run.

    `glad predict`, `evaluate`, `export` and a recipe's `init` take the folder; training cannot go on in it.
    """
    if place.folder is not None:
        copy_published(place.folder, out)
    else:
        assert place.hub is not None
        copy_published(download(place.hub, [*NAMES, CODE]), out)
    return Run(out)


def write_published(run: Run, folder: Path, license: str, address: str) -> None:
    """Write what is published of a run into a new `folder`: no path of the machine, no optimiser, no training heads."""
    checkpoint = run.selected()
    recipe_json = without_machine(json.loads(run.recipe_file.read_text(encoding="utf-8")))
    recipe = Recipe.model_validate(recipe_json)
    method = run.recipe.untrained(len(run.classes))
    kept = {*PREDICTION, *method.inherits}
    tensors = {name: x.contiguous() for name, x in checkpoint["method"].items() if name.split(".")[0] in kept}
    scores = scores_of(run, checkpoint["step"])
    files: dict[str, Any] = {"recipe.json": recipe_json}
    for name in ("environment.json", "data.json"):
        if (run.folder / name).exists():
            files[name] = without_machine(json.loads((run.folder / name).read_text(encoding="utf-8")))
    if scores is not None:
        files["scores.json"] = scores
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        write_text(folder / name, json.dumps(value, indent=2) + "\n")
    write_text(folder / "classes.txt", "".join(f"{name}\n" for name in run.classes))
    with atomic(folder / "weights.safetensors") as temporary:
        save_file(tensors, temporary, {"format": "pt", "step": str(checkpoint["step"])})
    code = sorted((run.folder / "code").glob("*.py"))
    for file in code:
        text = file.read_text(encoding="utf-8")
        write_text(folder / "code" / file.name, text)
        if lines := places_told(text):
            where = ", ".join(map(str, lines))
            say(f"code/{file.name} is published as it is, and tells of this machine in line {where}")
    card = model_card(
        recipe,
        run.classes,
        checkpoint["step"],
        scores=scores,
        files=files.get("data.json", {}),
        code=tuple(file.name for file in code),
        license=license,
        address=address,
    )
    own = run.folder / "README.md"  # of a run that was published before; its author may have written in it
    if own.exists():
        card = re.sub(r"^glad pull \S+ run$", f"glad pull {address} run", own.read_text(encoding="utf-8"), flags=re.M)
    write_text(folder / "README.md", card)


def scores_of(run: Run, step: int) -> dict[str, Any] | None:
    """Return the scores of the checkpoint after `step`; None where there are none, refused where they are another's."""
    if not run.scores.exists():
        return None
    scores = json.loads(run.scores.read_text(encoding="utf-8"))
    if scores["step"] != step:
        raise UserError(
            f"{run.scores} is of step {scores['step']} ('{scores['select']}'), and what is published is step {step} "
            f"('{run.recipe.select}'); run `glad evaluate {run.folder}` first"
        )
    return scores


def copy_published(folder: Path, out: Path) -> None:
    """Copy the files of a published run after a look at whether it is one."""
    files = published_files(folder)
    names = {str(file.relative_to(folder)) for file in files}
    if lacking := [name for name in NEEDED if name not in names]:
        raise UserError(f"{folder} is no published run: it has no {lacking[0]}; `glad push` makes one of a run folder")
    published_checkpoint(folder / "weights.safetensors")
    code = sorted(name for name in names if name.startswith("code/"))
    if not code:
        read_recipe(folder / "recipe.json")
    with folder_for(out) as temporary:
        for file in files:
            target = temporary / file.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def published_files(folder: Path) -> list[Path]:
    """Return the files of a published run that are in `folder`."""
    return [file for file in (*(folder / name for name in NAMES), *sorted(folder.glob(CODE))) if file.is_file()]


@contextmanager
def folder_for(folder: Path) -> Iterator[Path]:
    """Yield a new folder that takes the place of `folder` when the block succeeds.

    What is in `folder` now must be nothing, or a published run and no other file.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; choose another folder")
    check_published(str(folder), [str(file.relative_to(folder)) for file in folder.rglob("*") if not file.is_dir()])
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as name:
            yield (new := Path(name) / "new")
            old = folder.replace(Path(name) / "old") if folder.exists() else None
            try:
                new.replace(folder)
            except OSError:
                if old is not None:
                    old.replace(folder)
                raise


def check_published(where: str, found: list[str]) -> None:
    """Refuse a place that holds files which are not those of a published run."""
    files = [name for name in found if name != ".gitattributes"]
    strange = [name for name in files if name not in NAMES and not Path(name).match(CODE)]
    if files and "weights.safetensors" not in files:
        strange = strange or files
    if strange:
        first = min(strange, key=lambda name: (name.startswith("."), name))
        raise UserError(f"{where} holds '{first}', which is not of a published run; choose another place")
