"""Memory that loader processes fill and the training process reads: what is in it travels without being copied.

The system hands out memory in small pages, and cleans each one when it is first written to; for memory between
processes that takes as long as writing into it several times over. So here it is taken once and used again and again.
"""

import itertools
import mmap
import pickle
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from math import prod
from typing import Any
from weakref import WeakValueDictionary, finalize

import numpy as np
import torch
from torch import Tensor

_ALIGNED = 64  # bytes: a line of the cache
_NUMBERS = itertools.count()
_KNOWN: "WeakValueDictionary[int, Shared]" = WeakValueDictionary()  # what `Parcel.open` looks in


def room_for(*shapes: tuple[int, ...]) -> int:
    """Return the bytes that uint8 arrays of these shapes take in a part."""
    return sum(-(-prod(shape) // _ALIGNED) * _ALIGNED for shape in shapes)


class Shared:
    """`parts` equal parts of memory, `size` bytes each, seen alike by this process and those that it forks afterwards.

    This process lends a part (`lend`), a forked one stores tensors in it (`room`) and wraps them up (`packed`), and
    this one opens the parcel. A part is free again once no tensor of its parcel is left, so nothing is ever
    overwritten that is still held. Only memory that is used is taken from the system.
    """

    def __init__(self, parts: int, size: int) -> None:
        self.number = next(_NUMBERS)
        size = max(-(-size // _ALIGNED) * _ALIGNED, _ALIGNED)
        self._parts = np.frombuffer(mmap.mmap(-1, parts * size), np.uint8).reshape(parts, size)
        self._free = deque(range(parts))
        _KNOWN[self.number] = self

    def lend(self) -> int | None:
        """Return the number of a part that nobody uses, or None while there is none."""
        return self._free.popleft() if self._free else None

    def room(self, part: int) -> Callable[[tuple[int, ...]], np.ndarray]:
        """Return what allots memory of a part, from its start on: a shape in, a uint8 array out.

        What does not fit is memory of this process alone, which a parcel carries as a copy.
        """
        left = self._parts[part]

        def allot(shape: tuple[int, ...]) -> np.ndarray:
            nonlocal left
            if room_for(shape) > len(left):
                return np.empty(shape, np.uint8)
            taken, left = left[: prod(shape)], left[room_for(shape) :]
            return taken.reshape(shape)

        return allot

    def packed(self, part: int, item: object) -> "Parcel":
        """Return `item` wrapped up: uint8 tensors that lie in the part are told by their place, others are copied."""
        content = BytesIO()
        _Pickler(content, self._parts[part]).dump(item)
        return Parcel(self.number, part, content.getvalue())

    def opened(self, part: int, content: bytes) -> Any:
        """Return what was wrapped up; its tensors lie in the part, which is lent until the last of them is gone."""
        memory = self._parts[part]
        finalize(memory, self._free.append, part).atexit = False
        return _Unpickler(BytesIO(content), torch.from_numpy(memory)).load()


class _Pickler(pickle.Pickler):
    """Pickles tensors as (place in `memory`, shape), those that lie elsewhere as (None, array)."""

    def __init__(self, file: BytesIO, memory: np.ndarray) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._start, self._size = memory.ctypes.data, len(memory)

    def persistent_id(self, obj: Any) -> object:
        if not isinstance(obj, Tensor):
            return None
        place = obj.data_ptr() - self._start
        inside = obj.dtype == torch.uint8 and obj.is_contiguous() and 0 <= place < self._size
        return (place, tuple(obj.shape)) if inside else (None, obj.numpy())


class _Unpickler(pickle.Unpickler):
    """Makes such tensors anew, out of `memory`."""

    def __init__(self, file: BytesIO, memory: Tensor) -> None:
        super().__init__(file)
        self._memory = memory

    def persistent_load(self, pid: Any) -> Tensor:
        place, told = pid
        return torch.from_numpy(told) if place is None else self._memory[place : place + prod(told)].view(told)


@dataclass(frozen=True)
class Parcel:
    """What a loader process sends: where tensors lie in shared memory, and all else as it is."""

    shared: int
    part: int
    content: bytes

    def open(self) -> Any:
        """Return the item that was wrapped up; to be opened once, by the process that lent the part."""
        return _KNOWN[self.shared].opened(self.part, self.content)

    def pin_memory(self) -> Any:
        """Return the item in page-locked memory; the part is free again. Data loaders call this."""
        return self.open().pin_memory()
