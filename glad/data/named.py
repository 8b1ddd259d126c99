"""Which videos a path means: itself, or those of the folder or pack that it names."""

from pathlib import Path

from glad.data.pack import is_pack, open_pack
from glad.data.tree import videos_in
from glad.errors import UserError

LISTS = (".txt", ".csv", ".json", ".jsonl")


def videos_at(path: Path) -> list[Path]:
    """Return the videos that `path` means: itself, or, of a folder that is no folder of frames, all below it, sorted.

    A folder is one video where it holds images and no video file. One with neither images nor videos is refused, and
    so is a list: a decoder may take text for pictures. A pack stands for all videos in it.
    """
    if path.suffix.lower() in LISTS:
        raise UserError(f"{path} is a list and no video; name the videos, or the folder that holds them")
    if is_pack(path):
        pack = open_pack(path)
        return [path / name for name in sorted(pack.name(video) for video in range(len(pack)))]
    if not path.is_dir():
        return [path]
    found = videos_in(path)
    if not found:
        raise UserError(f"{path} holds neither numbered images such as img_00001.jpg nor videos")
    return [path / name for name in sorted(found)]
