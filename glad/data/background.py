"""What stands still in a video: its median over time, made once per video and mixed in during training."""

import os
from array import array
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glad.data.contact import contact_sheet, pages_of
from glad.data.image import JPEG_SUFFIXES, read_image, write_jpeg
from glad.data.listing import Listing, VideoRecord
from glad.data.median import video_median
from glad.data.movie import bare_path
from glad.data.work import Facts, Job, check_apart, check_folder, check_outside, failure, outcome
from glad.errors import UserError

FEW = 1000  # files that are looked up one by one

_SETTINGS = {"made": "temporal median", "quality": 95, "colour": "4:4:4"}
_SPARE: list[NDArray[np.uint8]] = []  # memory that serves one video after the other


def background_path(record: VideoRecord) -> str:
    """Return where the background of a record is stored, relative to the folder of backgrounds.

    The folder mirrors the videos: `jump/a.mp4` gives `jump/a.jpg`. A span that does not start at frame 0 adds its
    place (`train/000012@60+117.jpg`), since several spans of one video may be listed.
    """
    span = f"@{record.offset}+{record.frames or 'all'}" if record.offset else ""
    return f"{bare_path(record.path)}{span}.jpg"


def extract_backgrounds(listing: Listing, root: Path, out: Path, workers: int = 0) -> int:
    """Write the background of every listed video below `out`; return how many were written now.

    Running again continues, and makes again what a video changed since (`work.outcome`). They are JPEGs of quality
    95 with colour at full resolution (the release used its library's default, about 75). A video that fails does not
    stop the others; at the end `UserError` names those that failed, and `out/quarantine.txt` lists them.
    """
    jobs: dict[tuple, Job] = {}
    for index in range(len(listing)):
        record = listing[index]
        jobs.setdefault(
            record[:3],
            Job(
                background_path(record),
                record.path,
                root / record.path,
                record.offset,
                record.frames,
                listing.layout,
                listing.where(index) if listing.line(index) else "",
            ),
        )
    check_outside(out, listing.file)
    check_apart(jobs.values(), listing.file)
    # A folder of backgrounds made before there were manifests, or by other means, is taken as it is.
    done = outcome(list(jobs.values()), out, _make, _SETTINGS, title="backgrounds", workers=workers, adopt=True)
    if done.failed:
        raise failure(out, "backgrounds", len(jobs), list(done.failed.values()))
    return done.made


def check_sheet(listing: Listing, folder: Path, path: Path) -> None:
    """Refuse a contact sheet that is no JPEG, that would be a background itself, or that others put into `folder`."""
    if path.suffix.lower() not in JPEG_SUFFIXES:
        raise UserError(f"{path}: a contact sheet is a JPEG, so its name must end in .jpg")
    names = {background_path(listing[index]) for index in range(len(listing))}
    backgrounds = {(folder / name).resolve() for name in names}
    pages = pages_of(len(names), path)
    for page in pages:
        if page.resolve() in backgrounds:
            raise UserError(f"{page} is the background of a video; name another file for the contact sheet")
    check_folder(folder, [page.name for page in pages if page.parent.resolve() == folder.resolve()])


def background_sheet(listing: Listing, folder: Path, path: Path) -> list[Path]:
    """Write the contact sheet of all backgrounds in `folder`, under the folder (the class) or name of each video."""
    check_sheet(listing, folder, path)
    names = sorted({background_path(listing[index]): listing[index].path for index in range(len(listing))}.items())
    return contact_sheet([(video.rpartition("/")[0] or video, folder / name) for name, video in names], path)


def _make(job: Job, path: Path) -> Facts:
    """Write the background of one video."""
    video = job.video()
    image = video_median(video, spare=_SPARE)
    write_jpeg(path, image)
    return {"frames": len(video), "size": [image.shape[1], image.shape[0]]}


def missing_files(folder: Path, names: Callable[[], Iterable[str]]) -> list[str]:
    """Return those of the file `names`, relative to `folder`, that are not there.

    Of many, most are not looked up one by one but in what their folders hold, where 64 bits stand for a name: of a
    million files, one that is missing is overlooked with a chance of 1 in 10^13.
    """
    if sum(1 for _ in islice(names(), FEW + 1)) <= FEW:
        return [name for name in names() if not (folder / name).exists()]
    wanted, found = array("q"), array("q")
    folders: set[str] = set()
    for name in names():
        wanted.append(hash(name))
        folders.add(name.rpartition("/")[0])
    for inner in folders:
        with suppress(OSError), os.scandir(folder / inner) as entries:
            before = f"{inner}/" if inner else ""
            there = (entry.name for entry in entries if not entry.is_symlink() or Path(entry.path).exists())
            found.extend(hash(before + name) for name in there)
    asked, held = np.sort(np.array(wanted, np.int64)), np.sort(np.array(found, np.int64))
    places = np.searchsorted(held, asked).clip(max=max(len(held) - 1, 0))
    doubtful = set(asked[held[places] != asked].tolist()) if len(held) else set(wanted)
    return [name for name in names() if hash(name) in doubtful and not (folder / name).exists()] if doubtful else []


@dataclass(frozen=True, eq=False)
class BackgroundBank:
    """The backgrounds of all videos of `listing`, made by `extract_backgrounds` into `folder`; read one at a time.

    A missing file is refused here, an undecodable one when it is read.
    """

    folder: Path
    listing: Listing

    def __post_init__(self) -> None:
        missing = missing_files(self.folder, lambda: map(background_path, self.listing))
        if missing:
            raise UserError(
                f"{len(missing)} of the {len(self.listing)} backgrounds for {self.listing.file} are missing in "
                f"{self.folder}, {missing[0]} for one; `glad prepare backgrounds` makes them"
            )

    def __len__(self) -> int:
        return len(self.listing)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Return the background of video `index` as RGB uint8 `(h, w, 3)`."""
        return read_image(self.folder / background_path(self.listing[index]))
