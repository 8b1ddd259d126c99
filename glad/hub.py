"""Files on the Hugging Face Hub, through its own library; whatever goes wrong there is one sentence."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from glad.errors import UserError


def files_on_hub(name: str) -> list[str] | None:
    """Return the files under a name `USER/NAME`; None where there is no such name, or none that we may see."""
    with _hub(name) as hub:
        return hub.list_repo_files(name) if hub.repo_exists(name) else None


def create(name: str, private: bool) -> None:
    """Make a new name, which nobody but its owner sees where `private`."""
    with _hub(name) as hub:
        hub.create_repo(name, private=private)


def upload(name: str, folder: Path, message: str, stale: Sequence[str]) -> None:
    """Put the files of `folder` under a name, all in one commit; files like `stale` that are not among them go."""
    with _hub(name) as hub:
        hub.upload_folder(repo_id=name, folder_path=folder, commit_message=message, delete_patterns=list(stale))


def download(name: str, patterns: Sequence[str]) -> Path:
    """Return a folder of the library's cache with those files of a name that are like `patterns`, perhaps as links."""
    with _hub(name) as hub:
        return Path(hub.snapshot_download(name, allow_patterns=list(patterns)))


@contextmanager
def _hub(name: str) -> Iterator[Any]:
    """Yield the library's way to the hub; what it raises about `name` becomes one sentence."""
    try:
        from huggingface_hub import HfApi
    except ImportError:
        raise UserError('the hub needs huggingface_hub, which is not installed: pip install "glad[hub]"') from None
    try:
        yield HfApi()
    except Exception as problem:  # of a dozen classes: the network, the hub, tokens, names
        first = (str(problem).strip().splitlines() or ["no reason is given"])[0].rstrip(".")
        raise UserError(
            f"{name} on the Hugging Face Hub: {type(problem).__name__}, {first}; `hf auth login` says who you are, "
            "which a private or a new name needs"
        ) from problem
