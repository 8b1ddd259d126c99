"""How many frames each video of a list has: as the list says, and where it does not, counted in the video."""

from glad.data.listing import Listing
from glad.data.movie import MovieFile
from glad.data.pool import Died, results
from glad.errors import UserError
from glad.progress import progress


def video_lengths(listing: Listing, title: str, workers: int = 0) -> tuple[list[int | None], list[str]]:
    """Return the frames of every entry, None where they cannot be told, and a sentence about each of those."""
    lengths = [listing[row].frames for row in range(len(listing))]
    unsaid = [row for row, frames in enumerate(lengths) if frames is None]
    if not unsaid:
        return lengths, []
    problems: dict[int, str] = {}
    with progress(f"{title}: frames", len(unsaid), "videos") as bar:
        movies: list[tuple[int, MovieFile]] = []
        for row in unsaid:
            try:
                video = listing.video(row)
            except UserError as problem:
                problems[row] = str(problem)
            else:
                if isinstance(video, MovieFile):
                    movies.append((row, video))
                    continue
                lengths[row] = len(video)  # a folder was listed to open it
            bar.advance(note=_note(problems))
        for (row, _), frames in results(_counted, movies, workers):
            if isinstance(frames, int):
                lengths[row] = frames
            elif isinstance(frames, Died):
                path = listing[row].path
                problems[row] = f"{listing.where(row)}: the process that counts the frames of {path} dies"
            else:
                problems[row] = frames
            bar.advance(note=_note(problems))
    return lengths, [problems[row] for row in sorted(problems)]


def _counted(numbered: tuple[int, MovieFile]) -> int | str:
    """Return how many frames a video file has, or why that cannot be told."""
    try:
        return len(numbered[1])
    except UserError as problem:
        return str(problem)


def _note(problems: dict[int, str]) -> str:
    return f"{len(problems)} left out" if problems else ""
