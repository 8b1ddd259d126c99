"""Which videos meet in which step, and where their random draws come from: integers, all from the step's number."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Self

import numpy as np
from pydantic import model_validator

from glad.errors import UserError
from glad.part import Part

SOURCE, TARGET = 1, 0  # the domains, as numbers in the address of a random draw
SHUFFLE, AUGMENT, METHOD = 0, 1, 2  # what is drawn
PAIRS = 2  # in place of a domain: the order of fixed pairs


class Pairing(Part):
    """How the videos of the two domains follow one another. The defaults are ours; `release` values repeat its quirks.

    Attributes:
        short_batches: `drop` an epoch's incomplete last batch and let the target run on from pass to pass, or, as
            the release, keep short batches and `truncate` the other domain to match.
        target_order: a fresh permutation for every pass over the target, or one for the whole source epoch.
        draws: augmentation drawn afresh for every pass, or repeated from pass to pass by position in it.
        pairs: `free`: each domain in an order of its own; or `fixed` (CO2A): number i of the longer list meets i modulo
            the length of the shorter, the same two videos for the whole run. A pass is then one over the longer list.
    """

    short_batches: Literal["drop", "truncate"] = "drop"
    target_order: Literal["pass", "epoch"] = "pass"
    draws: Literal["fresh", "repeated"] = "fresh"
    pairs: Literal["free", "fixed"] = "free"

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        others = ("short_batches", "target_order", "draws")
        set_too = [name for name in others if getattr(self, name) != type(self).model_fields[name].default]
        if self.pairs == "fixed" and set_too:
            raise UserError(
                f"pairing.pairs=fixed shuffles pairs, not videos, and drops the short batch; leave out {set_too[0]}="
                f"{getattr(self, set_too[0])}"
            )
        return self


Entry = tuple[int, tuple[int, ...]]  # a video's index, and the address of its random draws


@dataclass(frozen=True)
class Plan:
    """The videos of every step, as a pure function of its number.

    An epoch is one pass over the source; of fixed pairs, over the longer list. `batch_size` counts videos per domain
    over all `world` processes, of which this one, `rank`, takes a contiguous share.
    """

    source: int
    target: int
    batch_size: int
    seed: int
    pairing: Pairing = Pairing()
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if self.batch_size % self.world:
            raise UserError(
                f"a batch of {self.batch_size} videos cannot be shared by {self.world} processes; "
                "choose a --batch-size that is a multiple"
            )
        videos, where = (self._pairs, "longer") if self._fixed else (self.source, "source")
        if videos < self.batch_size and self.pairing.short_batches == "drop":
            raise UserError(
                f"the {where} list has {videos} videos, fewer than one batch of {self.batch_size}; "
                "lower --batch-size, and --after.batch-size where a stage comes before"
            )

    @property
    def _fixed(self) -> bool:
        return self.pairing.pairs == "fixed"

    @property
    def _pairs(self) -> int:
        """Fixed pairs in a pass."""
        return max(self.source, self.target)

    @property
    def steps_per_epoch(self) -> int:
        """Steps in one pass over the source; of fixed pairs, over the longer list."""
        if self._fixed:
            return self._pairs // self.batch_size
        drop = self.pairing.short_batches == "drop"
        return self.source // self.batch_size if drop else -(-self.source // self.batch_size)

    def sources(self, step: int) -> list[Entry]:
        """Return the source videos of a step that this process takes."""
        if self._fixed:
            return self._paired(SOURCE, step)
        epoch, position = divmod(step, self.steps_per_epoch)
        return self._share(self._pass(SOURCE, epoch, position * self.batch_size, self.batch_size), step)

    def targets(self, step: int) -> list[Entry]:
        """Return the target videos of a step that this process takes; the target starts over when it is used up."""
        if self._fixed:
            return self._paired(TARGET, step)
        if self.pairing.short_batches == "drop":
            found: list[Entry] = []
            start = step * self.batch_size
            while len(found) < self.batch_size:
                number, position = divmod(start + len(found), self.target)
                found += self._pass(TARGET, number, position, self.batch_size - len(found))
            return self._share(found, step)
        epoch, position = divmod(step, self.steps_per_epoch)
        batches = -(-self.target // self.batch_size)
        passes = -(-self.steps_per_epoch // batches)
        number, position = epoch * passes + position // batches, position % batches
        return self._share(self._pass(TARGET, number, position * self.batch_size, self.batch_size), step)

    def method_draws(self, domain: int, step: int, count: int) -> np.ndarray:
        """Return `(count,)` random numbers for the method, new in every step whatever `pairing.draws` repeats.

        Each process draws its own, as the release does.
        """
        return np.random.default_rng((self.seed, METHOD, domain, step, self.rank)).integers(2**31, size=count)

    def step_draw(self, step: int) -> int:
        """Return the random number of a step, the same on every process."""
        return int(np.random.default_rng((self.seed, METHOD, step)).integers(2**31))

    def _paired(self, domain: int, step: int) -> list[Entry]:
        """Return one domain's side of a step's fixed pairs; draws are addressed by the pair, not by the video."""
        number, position = divmod(step, self.steps_per_epoch)
        start = position * self.batch_size
        pairs = _permutation(self.seed, PAIRS, number, self._pairs)[start : start + self.batch_size]
        size = self.source if domain == SOURCE else self.target
        return self._share([(int(i) % size, (self.seed, AUGMENT, domain, number, int(i))) for i in pairs], step)

    def _pass(self, domain: int, number: int, start: int, count: int) -> list[Entry]:
        """Return up to `count` entries from `start` on of pass `number` over a domain."""
        size = self.source if domain == SOURCE else self.target
        shuffle = self._epoch_of(number) if domain == TARGET and self.pairing.target_order == "epoch" else number
        indices = _permutation(self.seed, domain, shuffle, size)[start : start + count]
        if self.pairing.draws == "fresh":
            return [(int(i), (self.seed, AUGMENT, domain, number, int(i))) for i in indices]
        return [(int(i), (self.seed, AUGMENT, domain, start + k)) for k, i in enumerate(indices)]

    def _epoch_of(self, target_pass: int) -> int:
        """Return the source epoch in which a pass over the target begins."""
        if self.pairing.short_batches == "drop":
            return target_pass * self.target // self.batch_size // self.steps_per_epoch
        batches = -(-self.target // self.batch_size)
        return target_pass // -(-self.steps_per_epoch // batches)

    def _share(self, entries: list[Entry], step: int) -> list[Entry]:
        """Return this rank's part of a step's entries; a short batch is cut so that both domains have equally many.

        What then cannot be shared evenly starts over, so that no process is left without a video.
        """
        if self.pairing.short_batches == "truncate":
            entries = entries[: self._shortest(step)]
        each = -(-len(entries) // self.world)
        return (entries * self.world)[self.rank * each : (self.rank + 1) * each]

    def _shortest(self, step: int) -> int:
        """Return how many videos of each domain the release keeps in a step."""
        position = step % self.steps_per_epoch
        source = min(self.batch_size, self.source - position * self.batch_size)
        if not self.target:
            return source
        batches = -(-self.target // self.batch_size)
        return min(source, self.batch_size, self.target - position % batches * self.batch_size)


@lru_cache(maxsize=4)  # a step needs one of the source and at most two of a target longer than a batch
def _permutation(seed: int, domain: int, number: int, size: int) -> np.ndarray:
    """Return an order of `size` videos (size,) int32: every loader worker holds some, of a million videos 4 MB each."""
    return np.random.default_rng((seed, SHUFFLE, domain, number)).permutation(size).astype(np.int32)
