"""What a run reads before it trains, by SHA-256: lists, class names, initial weights. So that one knows them again."""

import hashlib
from pathlib import Path
from typing import Any

from glad.data.listing import open_listing
from glad.errors import UserError
from glad.recipe import Recipe, Videos, init_path

RUN_WEIGHTS = ("last.pt", "weights.safetensors")  # of a run that was trained here, and of a published one


def fingerprints(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Return `{field of the recipe: {"path": ..., "sha256": ...}}` of the files that `recipe` names.

    Of a folder of videos the SHA-256 is of their paths, one a line; of a run folder, of its last checkpoint. It is None
    where nothing is there.
    """
    pair = recipe.data
    found: dict[str, dict[str, Any]] = {}
    if isinstance(pair.classes, Path):
        found["data.classes"] = {"path": str(pair.classes), "sha256": sha256(pair.classes)}
    for name in ("source", "target", "test", "source_val"):
        videos: Videos | None = getattr(pair, name)
        if videos is not None:
            found[f"data.{name}.list"] = {"path": str(videos.list), "sha256": list_sha256(videos)}
    if recipe.init is not None:
        weights = init_path(recipe.init)
        if weights.is_dir():
            weights = next((file for file in map(weights.joinpath, RUN_WEIGHTS) if file.exists()), weights)
        found["init"] = {"path": recipe.init, "sha256": sha256(weights)}
    return found


def list_sha256(videos: Videos) -> str | None:
    """Return the SHA-256 of a list, or of the sorted paths of the videos in a folder; None where neither is there."""
    if not videos.list.is_dir():
        return sha256(videos.list)
    try:
        listing = open_listing(videos.list, labelled=videos.labelled, root=videos.root, allow_empty_classes=True)
    except UserError:
        return None
    names = "".join(f"{path}\n" for path in sorted(listing.paths()))
    return hashlib.sha256(names.encode("utf-8", "surrogateescape")).hexdigest()


def sha256(path: Path) -> str | None:
    """Return the SHA-256 of a file in hexadecimal; None where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
