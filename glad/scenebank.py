"""The scene vectors of the videos of a list: computed once, kept in a folder, and found there again."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from glad.data.listing import Listing
from glad.data.pool import Died, results
from glad.data.state import video_state
from glad.data.video import Video
from glad.errors import UserError
from glad.files import atomic, write_text
from glad.progress import progress
from glad.scenes import Pictures, SceneEncoder, Vectors

_SHARD = 32  # videos of a file; what a kill can cost

# Key of a video with its pictures, or with what is wrong with it: "" when decoding it kills processes.
Shown = tuple[str, Pictures | str]


@dataclass(frozen=True, eq=False)
class Scenes:
    """Vectors `(n, d)` of the videos that could be looked at, and a sentence about each of the others."""

    vectors: Vectors
    left_out: tuple[str, ...]


def scene_vectors(
    listing: Listing, rows: Sequence[int], encoder: SceneEncoder, folder: Path, title: str = "scenes", workers: int = 0
) -> Scenes:
    """Return the scenes of the entries `rows` of a listing, in their order.

    What is found in `folder` for this encoder and these files (path, span and `video_state`) is not computed again;
    the rest is added there, `_SHARD` videos at a time. A video that is missing or cannot be decoded is left out and
    named.
    """
    identity = encoder.identity()
    bank = folder / hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
    if not (bank / "encoder.json").exists():
        write_text(bank / "encoder.json", json.dumps({"about": encoder.about()} | identity, indent=2) + "\n")
    known = _kept(bank)
    videos: dict[int, tuple[str, Video]] = {}
    problems: dict[int, str] = {}
    for row in rows:
        try:
            videos[row] = _key(listing, row), listing.video(row)
        except UserError as problem:
            problems[row] = str(problem)
    missing = {key: video for key, video in videos.values() if key not in known}
    failed: dict[str, str] = {}
    if missing:
        vectors_of = encoder.build()
        found = len(videos) - sum(key in missing for key, _ in videos.values())
        with progress(title, found + len(missing), "videos", done=found) as bar:
            shown = _shown(missing, encoder, workers)
            while part := list(islice(shown, _SHARD)):
                failed |= {key: seen for key, seen in part if isinstance(seen, str)}
                done = {key: seen for key, seen in part if not isinstance(seen, str)}
                if done:
                    vectors = vectors_of(list(done.values()))
                    _keep(bank, list(done), vectors)
                    known |= dict(zip(done, vectors, strict=True))
                bar.advance(len(part), f"{len(failed)} left out" if failed else "")
    for row, (key, _) in videos.items():
        if key in failed:
            died = (
                f"{listing.where(row)}: the process that decodes {listing[row].path} dies, perhaps for lack of memory"
            )
            problems[row] = failed[key] or died
    kept = [known[videos[row][0]] for row in rows if row not in problems]
    return Scenes(
        np.stack(kept) if kept else np.zeros((0, 0), np.float32), tuple(problems[row] for row in sorted(problems))
    )


def _key(listing: Listing, row: int) -> str:
    """Return what makes the video of an entry this very one."""
    record = listing[row]
    path = (listing.root / record.path).resolve()
    # A folder that lacks an end of its span may hold the frames that are looked at.
    state = video_state(path, record.offset, record.frames, listing.layout) or video_state(path)
    if state is None:
        return ""  # opening it says more
    what = [str(path), record.offset, record.frames, state]
    return hashlib.sha256(json.dumps(what).encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _kept(bank: Path) -> dict[str, np.ndarray]:
    """Return every vector in `bank` by its key."""
    known: dict[str, np.ndarray] = {}
    for file in sorted(bank.glob("[!.]*.npz")):
        try:
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
                known |= dict(zip(arrays["keys"].tolist(), arrays["vectors"], strict=True))
        except Exception as problem:  # numpy raises whatever the broken bytes lead it to
            raise UserError(f"{file} is no file of scene vectors ({type(problem).__name__}); delete it") from None
    return known


def _keep(bank: Path, keys: list[str], vectors: Vectors) -> None:
    name = hashlib.sha256("".join(keys).encode()).hexdigest()[:16]
    with atomic(bank / f"{name}.npz") as temporary:
        np.savez(temporary, keys=np.array(keys), vectors=vectors)


def _shown(videos: dict[str, Video], encoder: SceneEncoder, workers: int) -> Iterator[Shown]:
    """Yield every video's pictures, decoded by `workers` processes, never far ahead of who takes them."""
    for (key, _), seen in results(partial(_pictures, encoder), list(videos.items()), workers):
        yield key, "" if isinstance(seen, Died) else seen


def _pictures(encoder: SceneEncoder, keyed: tuple[str, Video]) -> Pictures | str:
    """Return what the encoder looks at of a video, or what is wrong with the video."""
    try:
        return encoder.pictures(keyed[1])
    except UserError as problem:
        return str(problem)
