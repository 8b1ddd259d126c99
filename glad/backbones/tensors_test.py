import os
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from glad.backbones.tensors import tensors_of
from glad.errors import UserError


@pytest.fixture
def tensors():
    return {"a.weight": torch.arange(6.0).reshape(2, 3), "a.count": torch.tensor(7)}


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in right)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".pth.tar"])
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("wrapped", [True, False])
def test_reads_torch_files_of_both_formats_bare_and_wrapped(tmp_path, tensors, suffix, zipped, wrapped):
    path = tmp_path / f"weights{suffix}"
    content = {"state_dict": tensors, "epoch": 3} if wrapped else tensors
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert same(tensors_of(path), tensors)


def test_reads_safetensors(tmp_path, tensors):
    safetensors.torch.save_file(tensors, tmp_path / "weights.safetensors")
    assert same(tensors_of(tmp_path / "weights.safetensors"), tensors)


def test_reads_named_arrays(tmp_path, tensors):
    np.savez(tmp_path / "w.npz", **{f"RGB/{name}": value.numpy() for name, value in tensors.items()})
    assert same(tensors_of(tmp_path / "w.npz"), {f"RGB/{name}": value for name, value in tensors.items()})
    np.savez_compressed(tmp_path / "w.npz", **{name: value.numpy() for name, value in tensors.items()})
    assert same(tensors_of(tmp_path / "w.npz"), tensors)


def test_strings_and_numpy_numbers_beside_the_tensors_do_no_harm(tmp_path, tensors):
    meta = {"config": "model = dict()", "seed": np.int64(3), "best": np.float64(0.7), "curve": np.arange(3.0)}
    torch.save({"meta": meta, "state_dict": tensors}, tmp_path / "w.pth")
    assert same(tensors_of(tmp_path / "w.pth"), tensors)


def test_training_curves_beside_the_tensors_do_no_harm(tmp_path, tensors, monkeypatch):
    name = "mmengine.logging.history_buffer"
    for part in ("mmengine", "mmengine.logging", name):
        monkeypatch.setitem(sys.modules, part, ModuleType(part))

    def smallest(self):
        return None

    buffer = type("HistoryBuffer", (), {"__module__": name, "min": smallest})
    smallest.__module__, smallest.__qualname__, smallest.__name__ = name, "HistoryBuffer.min", "min"
    sys.modules[name].HistoryBuffer = buffer
    curve = buffer()
    curve.__dict__.update(_log_history=np.arange(3.0), statistics_methods={"min": buffer.min})
    torch.save({"state_dict": tensors, "message_hub": {"log_scalars": {"loss": curve}}}, tmp_path / "w.pth")
    assert same(tensors_of(tmp_path / "w.pth"), tensors)


def test_what_is_ignored_does_not_stay_allowed(tmp_path, tensors):
    torch.save({"state_dict": tensors, "best": np.float64(0.7)}, tmp_path / "w.pth")
    before = set(torch.serialization.get_safe_globals())
    tensors_of(tmp_path / "w.pth")
    assert set(torch.serialization.get_safe_globals()) == before


class Bomb:
    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


class Lookup:
    def __reduce__(self):
        return getattr, ("text", "upper")


@pytest.mark.parametrize("place", ["beside", "inside"])
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path, tensors, place):
    target = tmp_path / "ran"
    bomb = Bomb(target)
    content = {"state_dict": tensors, "x": bomb} if place == "beside" else {"state_dict": tensors | {"x": bomb}}
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(UserError, match=r"w\.pth: holds something other than plain tensors \(posix\.mkdir\)"):
        tensors_of(tmp_path / "w.pth")
    assert not target.exists()


def test_an_ignored_object_among_the_tensors_is_refused(tmp_path, tensors):
    torch.save({"state_dict": tensors | {"x": Lookup()}}, tmp_path / "w.pth")
    with pytest.raises(UserError, match="'x' is no named tensor but Ignored"):
        tensors_of(tmp_path / "w.pth")


def test_a_whole_module_is_refused(tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "w.pth")
    with pytest.raises(UserError, match=r"plain tensors \(torch\.nn\.modules\.linear\.Linear\)"):
        tensors_of(tmp_path / "w.pth")


@pytest.mark.parametrize("content", [[torch.ones(1)], {}, {"model": {"a": torch.ones(1)}}, {"epoch": 3}])
def test_files_without_a_dictionary_of_tensors_are_refused(tmp_path, content):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(UserError, match="dictionary of tensors"):
        tensors_of(tmp_path / "w.pth")


@pytest.mark.parametrize("other", [np.array(["text"]), np.array([1.0], dtype=">f4")])
def test_arrays_that_are_no_tensors_are_refused(tmp_path, other):
    np.savez(tmp_path / "w.npz", a=np.ones(2), b=other)
    with pytest.raises(UserError, match=r"w\.npz: holds something other than named arrays of numbers"):
        tensors_of(tmp_path / "w.npz")


def test_an_object_among_the_arrays_is_refused_and_does_not_come_to_life(tmp_path):
    target = tmp_path / "ran"
    np.savez(tmp_path / "w.npz", a=np.ones(2), b=np.array([Bomb(target)], dtype=object))
    with pytest.raises(UserError, match=r"w\.npz: holds something other than named arrays of numbers"):
        tensors_of(tmp_path / "w.npz")
    assert not target.exists()


def test_files_that_hold_no_arrays_or_a_damaged_one_are_refused(tmp_path):
    np.savez(tmp_path / "w.npz")
    with pytest.raises(UserError, match="holds no array"):
        tensors_of(tmp_path / "w.npz")
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as file:
        file.writestr("readme.txt", "no array")
    with pytest.raises(UserError, match="other than named arrays"):
        tensors_of(tmp_path / "w.npz")
    np.savez(tmp_path / "w.npz", a=np.arange(100.0))
    damaged = bytearray((tmp_path / "w.npz").read_bytes())
    damaged[300] ^= 255
    (tmp_path / "w.npz").write_bytes(damaged)
    with pytest.raises(UserError, match=r"not a readable \.npz file \(BadZipFile\)"):
        tensors_of(tmp_path / "w.npz")


@pytest.mark.parametrize("name", ["w.pth", "w.pt", "w.safetensors", "w.npz"])
@pytest.mark.parametrize("content", [b"", b"not found", b"PK\x03\x04 cut short"])
def test_broken_files_are_refused_by_name(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=name) as caught:
        tensors_of(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_missing_files_and_other_kinds_are_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        tensors_of(tmp_path / "absent.pth")
    with pytest.raises(UserError, match="no such file"):
        tensors_of(tmp_path)
    (tmp_path / "w.pkl").write_bytes(b"x")
    with pytest.raises(UserError, match=r"not '\.pkl'"):
        tensors_of(tmp_path / "w.pkl")
