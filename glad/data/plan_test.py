"""Which videos meet: 14 source videos, 5 target videos and batches of 4, by hand; then what every plan must keep."""

from collections import Counter
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from glad.data.plan import Entry, Pairing, Plan
from glad.errors import UserError

RELEASE = Pairing(short_batches="truncate", target_order="epoch", draws="repeated")
FIXED = Pairing(pairs="fixed")
FREE = st.builds(
    Pairing,
    short_batches=st.sampled_from(["drop", "truncate"]),
    target_order=st.sampled_from(["pass", "epoch"]),
    draws=st.sampled_from(["fresh", "repeated"]),
)
PAIRINGS = FREE | st.just(FIXED)


def plan(pairing: Pairing | None = None, **fields: int) -> Plan:
    values = {"source": 14, "target": 5, "batch_size": 4, "seed": 0} | fields
    return Plan(pairing=pairing or Pairing(), **values)  # pyright: ignore[reportArgumentType]


def indices(entries: list[Entry]) -> list[int]:
    return [index for index, _ in entries]


# by hand


def test_dropping_the_short_batch_gives_three_full_steps_an_epoch():
    p = plan()
    assert p.steps_per_epoch == 3
    for epoch in range(3):
        seen = [i for step in range(3 * epoch, 3 * epoch + 3) for i in indices(p.sources(step))]
        assert len(seen) == len(set(seen)) == 12 and set(seen) <= set(range(14))


def test_the_target_runs_on_from_pass_to_pass():
    """Batches of 4 out of 5: every five videos in a row, over batch and epoch borders, are all five."""
    p = plan()
    row = list(chain.from_iterable(indices(p.targets(step)) for step in range(10)))
    assert len(row) == 40
    assert all(set(row[start : start + 5]) == set(range(5)) for start in range(0, 40, 5))


def test_a_target_smaller_than_a_batch_starts_over_inside_it():
    p = plan(target=3, batch_size=8)
    assert Counter(indices(p.targets(0))).most_common()[0][1] == 3
    assert Counter(chain.from_iterable(indices(p.targets(step)) for step in range(3))) == {0: 8, 1: 8, 2: 8}


def test_truncating_keeps_short_batches_and_cuts_the_other_domain():
    """Sources come as 4 4 4 2, targets as 4 1 4 1: of each step both keep the smaller number."""
    p = plan(Pairing(short_batches="truncate"))
    assert p.steps_per_epoch == 4
    for step, count in enumerate([4, 1, 4, 1] * 2):
        assert len(p.sources(step)) == len(p.targets(step)) == count
    assert set(indices(p.targets(0)) + indices(p.targets(1))) == set(range(5)), "a pass is a permutation"


def test_without_a_target_truncating_cuts_nothing():
    p = plan(Pairing(short_batches="truncate"), target=0)
    assert [len(p.sources(step)) for step in range(4)] == [4, 4, 4, 2]
    assert sorted(chain.from_iterable(indices(p.sources(step)) for step in range(4))) == list(range(14))


def test_the_released_benchmark_has_the_released_number_of_steps():
    kinetics, babel = 14_881, 2_963
    release = Plan(kinetics, babel, 32, 0, RELEASE)
    assert release.steps_per_epoch == 466
    assert len(release.targets(92)) == 19, "every 93rd target batch is short"
    assert Plan(kinetics, babel, 144, 0, RELEASE).steps_per_epoch == 104
    assert Plan(kinetics, babel, 32, 0).steps_per_epoch == 465


# orders


def test_the_target_is_reshuffled_for_every_pass_or_once_an_epoch():
    def passes(pairing: Pairing) -> list[tuple[int, ...]]:
        """The first batches of 10 targets in passes 0, 1 (epoch 0), 2, 3 (epoch 1): 20 sources in batches of 5."""
        p = plan(pairing, source=20, target=10, batch_size=5)
        return [tuple(indices(p.targets(step)) + indices(p.targets(step + 1))) for step in (0, 2, 4, 6)]

    for short in ("drop", "truncate"):
        fresh = passes(Pairing(short_batches=short))
        assert len(set(fresh)) == 4
        kept = passes(Pairing(short_batches=short, target_order="epoch"))
        assert kept[0] == kept[1] != kept[2] == kept[3]


def test_a_pass_that_begins_in_one_epoch_keeps_its_order_into_the_next():
    """5 targets, steps of 4, epochs of 3 steps: passes begin at videos 0, 5, 10 (epoch 0) and 15, 20 (epoch 1)."""
    p = plan(Pairing(target_order="epoch"))
    row = list(chain.from_iterable(indices(p.targets(step)) for step in range(6)))
    assert row[0:5] == row[5:10] == row[10:15]
    assert row[15:19] == row[20:24]
    assert row[0:5] != row[15:20]


def test_the_source_is_reshuffled_every_epoch():
    p = plan(batch_size=14)
    assert len({tuple(indices(p.sources(epoch))) for epoch in range(5)}) == 5


def test_the_release_repeats_its_target_passes_to_the_last_draw():
    p = plan(RELEASE)
    assert p.targets(0) == p.targets(2) and p.targets(1) == p.targets(3), "passes of one epoch"
    assert p.targets(0) != p.targets(4), "another epoch is another order"
    draws = [[address for _, address in p.sources(step)] for step in (0, 4, 8)]
    assert draws[0] == draws[1] == draws[2], "the same draws in every epoch, for other videos"
    assert indices(p.sources(0)) != indices(p.sources(4))


def test_by_default_no_draw_ever_repeats():
    p = plan()
    entries = [entry for step in range(60) for entry in p.sources(step) + p.targets(step)]
    addresses = [address for _, address in entries]
    assert len(set(addresses)) == len(addresses) == 480
    assert {address for _, address in p.sources(0)} != {address for _, address in plan(seed=1).sources(0)}


# fixed pairs


def test_fixed_pairs_are_a_pass_over_the_longer_list():
    """14 and 5: pair i is (i, i mod 5); three steps of 4 an epoch, two pairs left out, which ones is drawn anew."""
    p = plan(FIXED)
    assert p.steps_per_epoch == 3
    left_out = set()
    for epoch in range(20):
        steps = range(3 * epoch, 3 * epoch + 3)
        sources = list(chain.from_iterable(indices(p.sources(step)) for step in steps))
        targets = list(chain.from_iterable(indices(p.targets(step)) for step in steps))
        assert len(set(sources)) == 12 and targets == [i % 5 for i in sources]
        left_out |= set(range(14)) - set(sources)
    assert left_out == set(range(14)), "shuffled"


def test_fixed_pairs_go_round_the_source_where_the_target_is_longer():
    p = plan(FIXED, source=3, target=7, batch_size=7)
    pairs = set()
    for step in range(5):
        assert sorted(indices(p.targets(step))) == list(range(7))
        pairs |= set(zip(indices(p.sources(step)), indices(p.targets(step)), strict=True))
    assert pairs == {(i % 3, i) for i in range(7)}, "the same in every epoch"


def test_the_draws_of_fixed_pairs_never_repeat():
    """The shorter list comes round several times a pass, each time with another draw."""
    p = plan(FIXED)
    entries = [entry for step in range(60) for entry in p.sources(step) + p.targets(step)]
    assert len({address for _, address in entries}) == len(entries) == 480
    assert {address for _, address in p.targets(0)} != {address for _, address in plan(FIXED, seed=1).targets(0)}


def test_fixed_pairs_without_a_target_are_the_source_alone():
    p = plan(FIXED, target=0)
    assert p.steps_per_epoch == 3 and len(set(chain.from_iterable(indices(p.sources(s)) for s in range(3)))) == 12


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 5), st.integers(0, 40))
def test_fixed_pairs_are_the_indices_of_one_number(source, target, seed, step):
    p = plan(FIXED, source=source, target=target, batch_size=1, seed=seed)
    (s,), (t,) = indices(p.sources(step)), indices(p.targets(step))
    longer = max(source, target)
    assert (s, t) in [(i % source, i % target) for i in range(longer)] and p.steps_per_epoch == longer


# always


@given(PAIRINGS, st.integers(1, 30), st.integers(1, 30), st.integers(1, 8), st.integers(0, 5), st.integers(0, 40))
def test_a_step_is_a_function_of_its_number(pairing, source, target, batch_size, seed, step):
    """Resuming at a step is skipping those before it; both domains always have equally many videos, and some."""
    longest = max(source, target) if pairing.pairs == "fixed" else source
    if pairing.short_batches == "drop" and longest < batch_size:
        return
    fields = {"source": source, "target": target, "batch_size": batch_size, "seed": seed}
    walked = plan(pairing, **fields)
    for earlier in range(step):
        walked.sources(earlier)
        walked.targets(earlier)
    sources, targets = walked.sources(step), walked.targets(step)
    fresh = plan(pairing, **fields)
    assert sources == fresh.sources(step) and targets == fresh.targets(step)
    assert 0 < len(sources) == len(targets) <= batch_size
    assert set(indices(sources)) <= set(range(source)) and set(indices(targets)) <= set(range(target))
    if pairing.pairs == "free":
        assert len(set(indices(sources))) == len(sources)


@given(PAIRINGS, st.sampled_from([1, 2, 3, 6]), st.integers(0, 30))
def test_processes_share_a_batch_exactly(pairing, world, step):
    shares = [plan(pairing, source=20, target=7, batch_size=6, rank=rank, world=world) for rank in range(world)]
    for side in ("sources", "targets"):
        whole = getattr(plan(pairing, source=20, target=7, batch_size=6), side)(step)
        parts = [getattr(share, side)(step) for share in shares]
        assert len({len(part) for part in parts}) == 1 and len(parts[0]) > 0
        joined = list(chain.from_iterable(parts))
        assert joined[: len(whole)] == whole
        if pairing.short_batches == "drop":
            assert joined == whole


def test_a_short_batch_that_cannot_be_shared_evenly_starts_over():
    """14,881 videos leave one for the last step: each of 8 processes gets it, as the release pads its epochs."""
    last = [Plan(14_881, 0, 32, 0, RELEASE, rank, 8).sources(465) for rank in range(8)]
    assert all(share == last[0] and len(share) == 1 for share in last)


# refused


def test_a_batch_that_processes_cannot_share_is_refused():
    with pytest.raises(UserError, match="a batch of 4 videos cannot be shared by 3 processes"):
        plan(world=3)


def test_a_source_smaller_than_a_batch_is_refused_where_short_batches_are_dropped():
    with pytest.raises(UserError, match="the source list has 3 videos, fewer than one batch of 4; lower --batch-size"):
        plan(source=3)
    assert plan(Pairing(short_batches="truncate"), source=3).steps_per_epoch == 1


@pytest.mark.parametrize("other", [{"short_batches": "truncate"}, {"target_order": "epoch"}, {"draws": "repeated"}])
def test_fixed_pairs_leave_nothing_else_to_choose(other):
    ((name, value),) = other.items()
    with pytest.raises(ValidationError, match=f"pairs=fixed shuffles pairs, .* leave out {name}={value}"):
        Pairing(pairs="fixed", **other)


def test_fewer_fixed_pairs_than_a_batch_are_refused():
    with pytest.raises(UserError, match="the longer list has 3 videos, fewer than one batch of 4"):
        plan(FIXED, source=2, target=3)
    assert plan(FIXED, source=2, target=4).steps_per_epoch == 1
