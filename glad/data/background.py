"""What stands still in a video: its median over time, made once per video and mixed in during training."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glad.data.image import read_image, write_jpeg
from glad.data.listing import Listing, VideoRecord
from glad.data.movie import MOVIE_SUFFIXES
from glad.data.video import Video
from glad.errors import UserError
from glad.progress import progress

_PIXELS = 4096  # values sorted at a time: with a few hundred frames they stay in the processor's cache
_BAND_BYTES = 128 * 2**20  # frames held in memory at a time, whatever the length of the video


def temporal_median(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the median over time of uint8 `(t, h, w, 3)` as uint8 `(h, w, 3)` (temporal median filter, 4.2).

    It equals `np.median(frames, axis=0).astype(np.uint8)`: of an even number of frames the two middle values are
    averaged and the half is cut off. In uint8 there is no NaN to look after. Bytes sort in linear time (radix sort),
    which makes sorting faster here than selecting.
    """
    assert frames.dtype == np.uint8 and frames.ndim == 4 and len(frames), (frames.dtype, frames.shape)
    flat = frames.reshape(len(frames), -1)
    lower, upper = (len(frames) - 1) // 2, len(frames) // 2
    median = np.empty(flat.shape[1], np.uint8)
    for start in range(0, flat.shape[1], _PIXELS):
        values = np.ascontiguousarray(flat[:, start : start + _PIXELS].T)
        values.sort(axis=1, kind="stable")
        median[start : start + _PIXELS] = (values[:, lower].astype(np.uint16) + values[:, upper]) // 2
    return median.reshape(frames.shape[1:])


def video_median(video: Video, band_bytes: int = _BAND_BYTES) -> NDArray[np.uint8]:
    """Return the temporal median of all frames of `video`, uint8 `(h, w, 3)`.

    A video larger than `band_bytes` is decoded several times, each time for a band of its rows.
    """
    everything = np.arange(len(video))
    height, width, _ = video.frames([0]).shape[1:]
    rows = max(1, min(height, band_bytes // (len(video) * width * 3)))
    bands = []
    for top in range(0, height, rows):
        band = np.empty((len(video), min(rows, height - top), width, 3), np.uint8)
        for index, frame in enumerate(video.stream(everything)):
            band[index] = frame[top : top + rows]
        bands.append(temporal_median(band))
    return np.concatenate(bands)


def background_path(record: VideoRecord) -> str:
    """Return where the background of a record is stored, relative to the folder of backgrounds.

    The folder mirrors the videos: `jump/a.mp4` gives `jump/a.jpg`. A span that does not start at frame 0 adds its
    place (`train/000012@60+117.jpg`), since several spans of one video may be listed.
    """
    path = record.path
    if Path(path).suffix.lower() in MOVIE_SUFFIXES:
        path = path[: path.rindex(".")]
    span = f"@{record.offset}+{record.frames or 'all'}" if record.offset else ""
    return f"{path}{span}.jpg"


def extract_backgrounds(listing: Listing, root: Path, out: Path, workers: int = 1) -> int:
    """Write the background of every listed video below `out`; return how many were written now.

    Images that are there already are kept, so running again continues. They are JPEGs of quality 95 with colour at
    full resolution (the release used its library's default, about 75). A video that fails does not stop the others;
    at the end `UserError` names all that failed.
    """
    owners: dict[str, int] = {}
    for index in range(len(listing)):
        name = background_path(listing[index])
        if (other := owners.setdefault(name, index)) != index and listing[other][:3] != listing[index][:3]:
            raise UserError(
                f"{listing.where(index)}: {listing[index].path} and {listing[other].path} would share the "
                f"background {name}; give every video a name of its own"
            )
    missing = [index for name, index in owners.items() if not (out / name).exists()]
    failed: list[str] = []
    with progress("backgrounds", len(owners), "videos", done=len(owners) - len(missing)) as bar:
        for problem in _written(listing, root, out, missing, workers):
            if problem:
                failed.append(problem)
            bar.advance(note=f"{len(failed)} failed" if failed else "")
    if failed:
        raise UserError(
            f"{len(failed)} of {len(owners)} backgrounds could not be made; the others are in {out}:\n"
            + "\n".join(sorted(failed))
        )
    return len(missing)


def _written(listing: Listing, root: Path, out: Path, indices: list[int], workers: int) -> Iterator[str | None]:
    """Yield for every video, as it is done, what went wrong with it, if anything did."""
    videos: list[tuple[Video, Path]] = []
    for index in indices:
        try:
            videos.append((listing.video(index, root), out / background_path(listing[index])))
        except UserError as problem:
            yield str(problem)
    if workers < 2:
        yield from (_write(video, path) for video, path in videos)
        return
    # "spawn", since a forked child of a process with threads may hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            for task in as_completed([pool.submit(_write, video, path) for video, path in videos]):
                yield task.result()
        except BrokenProcessPool:
            raise UserError(
                "a process that made backgrounds was killed, probably for lack of memory; run again with fewer "
                "workers, what is done is kept"
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _write(video: Video, path: Path) -> str | None:
    """Write the background of one video; return what went wrong, if anything did."""
    try:
        write_jpeg(path, video_median(video))
    except UserError as problem:
        return str(problem)
    return None


@dataclass(frozen=True, eq=False)
class BackgroundBank:
    """The backgrounds of all videos of `listing`, made by `extract_backgrounds` into `folder`; read one at a time.

    A missing file is refused here, an undecodable one when it is read.
    """

    folder: Path
    listing: Listing

    def __post_init__(self) -> None:
        names = (background_path(self.listing[index]) for index in range(len(self.listing)))
        missing = [name for name in names if not (self.folder / name).exists()]
        if missing:
            raise UserError(
                f"{len(missing)} of the {len(self.listing)} backgrounds for {self.listing.file} are missing in "
                f"{self.folder}, {missing[0]} for one; run `glad prepare backgrounds` first"
            )

    def __len__(self) -> int:
        return len(self.listing)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Return the background of video `index` as RGB uint8 `(h, w, 3)`."""
        return read_image(self.folder / background_path(self.listing[index]))
