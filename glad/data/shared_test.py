"""Memory between processes: what lies in it is not copied, and never written over while it is held."""

import gc
import os
import pickle

import numpy as np
import pytest
import torch
from torch import Tensor

from glad.batch import Batch, Clips
from glad.data.shared import Parcel, Shared, room_for


@pytest.fixture(autouse=True)
def no_collector():
    """Parts are free at once, not when Python next looks for circles."""
    gc.disable()
    yield
    gc.enable()


def batch(shared: Shared, part: int) -> Batch:
    """A batch of one video, whose views lie in the part and whose other tensors do not."""
    room = shared.room(part)
    views = {name: torch.from_numpy(room((1, n, 3, 2, 4, 4))) for name, n in (("global", 1), ("local", 2))}
    for value, view in enumerate(views.values(), start=10):
        view.fill_(value)
    times = {name: torch.arange(2).expand(1, view.shape[1], 2) for name, view in views.items()}
    return Batch(Clips(views, times, torch.tensor([7])), torch.tensor([3]), None, draw=5)


def test_room_is_allotted_one_after_the_other_on_whole_lines_of_the_cache():
    assert room_for((3, 5)) == 64 and room_for((64,), (1, 65)) == 64 + 128 and room_for() == 0
    shared = Shared(2, room_for((3, 5), (2, 40)))
    room = shared.room(1)
    first, second, third = room((3, 5)), room((2, 40)), room((1,))
    assert first.shape == (3, 5) and second.shape == (2, 40) and third.shape == (1,)
    assert second.ctypes.data - first.ctypes.data == 64
    assert np.shares_memory(second, shared.room(1)((192,))) and not np.shares_memory(second, shared.room(0)((192,)))
    assert not np.shares_memory(third, shared.room(1)((192,))), "what does not fit lies elsewhere"


def test_a_parcel_holds_the_batch_but_not_its_pixels():
    shared = Shared(2, 4096)
    part = shared.lend()
    assert part is not None
    parcel = shared.packed(part, batch(shared, part))
    assert len(parcel.content) < 2000
    found = pickle.loads(pickle.dumps(parcel)).open()
    assert isinstance(found, Batch) and found.target is None and found.draw == 5
    assert (found.source.views["global"] == 10).all() and (found.source.views["local"] == 11).all()
    assert found.source.views["local"].shape == (1, 2, 3, 2, 4, 4)
    assert found.source.times["local"].tolist() == [[[0, 1], [0, 1]]] and found.label.tolist() == [3]
    pixels = found.source.views["global"]
    shared.room(part)((1,))[:] = 99
    assert pixels.ravel()[0] == 99, "the very memory"


def test_a_tensor_that_did_not_fit_or_is_no_plain_row_of_bytes_arrives_as_a_copy():
    shared = Shared(1, 64)
    room = shared.room(0)
    inside, outside = torch.from_numpy(room((8, 8))), torch.from_numpy(room((9,)))
    inside[:], outside[:] = torch.arange(64).reshape(8, 8), 5
    found = shared.packed(0, [inside.t(), inside[2:], outside]).open()
    assert torch.equal(found[0], inside.t()) and torch.equal(found[1], inside[2:]) and (found[2] == 5).all()
    inside.zero_()
    assert found[0][1, 0] == 1 and (found[1] == 0).all()


def test_a_part_is_lent_until_the_last_tensor_of_its_parcel_is_gone():
    shared = Shared(2, 4096)
    parts = [shared.lend(), shared.lend()]
    assert parts == [0, 1] and shared.lend() is None
    found = shared.packed(0, batch(shared, 0)).open()
    view = found.source.views["local"]
    clip, as_array = view[0, 1].flatten(), view.numpy()
    del found, view
    assert shared.lend() is None
    del clip
    assert shared.lend() is None
    del as_array
    assert shared.lend() == 0 and shared.lend() is None


def test_a_parcel_brings_its_item_to_page_locked_memory_and_frees_its_part(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Tensor, "pin_memory", Tensor.clone)  # real page-locked memory takes a GPU
    shared = Shared(1, 4096)
    assert shared.lend() == 0
    found = shared.packed(0, batch(shared, 0)).pin_memory()
    assert shared.lend() == 0
    shared.room(0)((4096,))[:] = 0
    assert (found.source.views["global"] == 10).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # newer Pythons warn of threads
def test_a_forked_process_fills_what_this_one_reads():
    shared = Shared(3, 1 << 16)
    if os.fork() == 0:
        shared.room(2)((1 << 16,))[:] = 42
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
    parcel = Parcel(shared.number, 2, shared.packed(2, torch.from_numpy(shared.room(2)((5, 5)))).content)
    assert (parcel.open() == 42).all()
