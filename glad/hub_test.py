"""Runs go to the hub and come back: by the library's own names for things, and over HTTP to a hub on this machine."""

import hashlib
import inspect
import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
import torch

from glad.errors import UserError
from glad.hub import download, upload
from glad.run import Run
from glad.share import Place, place_at, pull, push

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture
def run(square_recipe, tmp_path) -> Run:
    found = Run(tmp_path / "run")
    found.begin(recipe := square_recipe(), ("left", "right"))
    found.save({"method": recipe.untrained(2).state_dict(), "optimizer": {}, "step": 3})
    return found


def same(one: Run, other: Run) -> bool:
    """Return whether two runs have equal weights, step and classes."""
    first, second = one.method().state_dict(), other.method().state_dict()
    equal = first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
    return equal and one.checkpoint()["step"] == other.checkpoint()["step"] and one.classes == other.classes


class FakeHub:
    """The hub as a folder: what `glad.hub` asks of the library, by the library's own names for it."""

    def __init__(self, root: Path) -> None:
        self.root, self.calls = root, []

    def __getattr__(self, name: str):
        from huggingface_hub import HfApi

        def call(*given: object, **named: object):
            inspect.signature(getattr(HfApi, name)).bind(None, *given, **named)
            self.calls.append(name)
            return self.__class__.__dict__[f"_{name}"](self, *given, **named)

        return call

    def _repo_exists(self, repo_id):
        return (self.root / repo_id).is_dir()

    def _create_repo(self, repo_id, private):
        (self.root / repo_id).mkdir(parents=True)
        (self.root / repo_id / ".gitattributes").write_text("private" if private else "")

    def _list_repo_files(self, repo_id):
        folder = self.root / repo_id
        return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]

    def _upload_folder(self, repo_id, folder_path, commit_message, delete_patterns):
        assert commit_message == "Weights of step 3"
        for pattern in delete_patterns:
            for path in (self.root / repo_id).glob(pattern):
                path.unlink()
        shutil.copytree(folder_path, self.root / repo_id, dirs_exist_ok=True)

    def _snapshot_download(self, repo_id, allow_patterns):
        if not self._repo_exists(repo_id):
            raise ValueError("404 Client Error.\n\nRepository Not Found for url")
        return str(self.root / repo_id)


@pytest.fixture
def fake_hub(tmp_path, monkeypatch) -> FakeHub:
    pytest.importorskip("huggingface_hub", reason="needs the extra hub")
    import huggingface_hub

    found = FakeHub(tmp_path / "hub")
    monkeypatch.setattr(huggingface_hub, "HfApi", Library(found, huggingface_hub.HfApi))
    return found


class Library:
    """Stands for the class of the library: called, it is the fake; looked at, it is the class."""

    def __init__(self, fake: FakeHub, real: type) -> None:
        self.fake, self.real = fake, real

    def __call__(self) -> FakeHub:
        return self.fake

    def __getattr__(self, name: str):
        return getattr(self.real, name)


def test_a_run_goes_to_the_hub_and_comes_back(run, fake_hub, tmp_path):
    assert push(run, place_at("alice/squares"), private=True) == "https://huggingface.co/alice/squares"
    assert fake_hub.calls == ["repo_exists", "create_repo", "upload_folder"]
    there = fake_hub.root / "alice/squares"
    assert (there / ".gitattributes").read_text() == "private"
    assert "glad pull alice/squares run" in (there / "README.md").read_text()
    assert same(pull(place_at("alice/squares"), tmp_path / "back"), run)
    (there / "scores.json").write_text("of an earlier commit")
    push(run, place_at("hf:alice/squares"))
    assert not (there / "scores.json").exists() and fake_hub.calls.count("create_repo") == 1


def test_a_name_that_holds_something_else_is_left_alone(run, fake_hub):
    (fake_hub.root / "alice/other").mkdir(parents=True)
    (fake_hub.root / "alice/other/pytorch_model.bin").write_text("theirs")
    with pytest.raises(UserError, match=r"alice/other holds 'pytorch_model\.bin', which is not of a published run"):
        push(run, place_at("alice/other"))
    assert "upload_folder" not in fake_hub.calls


def test_what_the_hub_refuses_is_one_sentence(fake_hub, tmp_path):
    with pytest.raises(
        UserError, match=r"^alice/none on the Hugging Face Hub: ValueError, 404 Client Error; `hf auth login`"
    ):
        pull(place_at("alice/none"), tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_library_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for call in (lambda: download("alice/squares", ["*"]), lambda: upload("alice/squares", tmp_path, "x", [])):
        with pytest.raises(UserError, match=r'pip install "glad\[hub\]"'):
            call()


class Served(BaseHTTPRequestHandler):
    """As much of the hub as fetching needs, for the one name `user/squares` with the files of `folder`."""

    folder: Path
    commit = "0" * 40

    def do_HEAD(self) -> None:
        self.answer(False)

    def do_GET(self) -> None:
        self.answer(True)

    def answer(self, whole: bool) -> None:
        path = unquote(self.path.split("?")[0])
        names = sorted(str(file.relative_to(self.folder)) for file in self.folder.rglob("*") if file.is_file())
        api, files = "/api/models/user/squares", "/user/squares/resolve/"
        if path.startswith(f"{api}/tree/"):
            sizes = {name: (self.folder / name).stat().st_size for name in names}
            said = [{"type": "file", "path": name, "size": sizes[name], "oid": "1" * 40} for name in names]
            self.send(200, json.dumps(said).encode(), whole)
        elif path.startswith(api):
            about = {"id": "user/squares", "sha": self.commit, "siblings": [{"rfilename": name} for name in names]}
            self.send(200, json.dumps(about).encode(), whole)
        elif path.startswith(files) and (name := path.removeprefix(files).split("/", 1)[1]) in names:
            self.send(200, (self.folder / name).read_bytes(), whole)
        else:
            self.send(404, b"{}", whole)

    def send(self, status: int, content: bytes, whole: bool) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", self.commit)
        self.end_headers()
        if whole:
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served(run, tmp_path):
    """The address of a hub on this machine, which has the published run, and besides it files that are not of one."""
    pytest.importorskip("huggingface_hub", reason="needs the extra hub")
    push(run, Place(tmp_path / "served", None))
    (tmp_path / "served" / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    handler = type("Handler", (Served,), {"folder": tmp_path / "served"})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.slow
def test_the_library_fetches_a_run_over_http(served, run, tmp_path):
    proxies = dict.fromkeys(PROXIES, "")
    home = {
        "HF_ENDPOINT": served,
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": "0",  # another test may have asked this process to stay off the hub
        "NO_PROXY": "127.0.0.1",
    }

    def glad_pull(name: str) -> subprocess.CompletedProcess:
        words = [sys.executable, "-m", "glad", "pull", name, str(tmp_path / "back")]
        return subprocess.run(words, env=os.environ | proxies | home, capture_output=True, text=True)

    missing = glad_pull("user/other")
    assert missing.returncode == 2 and missing.stderr.startswith("glad: user/other on the Hugging Face Hub: ")
    assert "\n" not in missing.stderr.strip() and not (tmp_path / "back").exists()
    done = glad_pull("user/squares")
    assert done.returncode == 0, done.stderr
    back = Run(tmp_path / "back")
    assert same(back, run)
    assert not (back.folder / "pytorch_model.bin").exists() and not any(
        path.is_symlink() for path in back.folder.iterdir()
    )
