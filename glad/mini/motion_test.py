import numpy as np
import pytest

from glad.mini.motion import ACTIONS, OTHERS, hump, keyed, performed, pulse
from glad.mini.skeleton import ANGLES, CURVES, JOINTS, REST, Body, joint_places


def test_the_twelve_stand_in_the_paper_s_order():
    paper = "jump run throw kick bend dance clean_something squat punch crawl clap pick_up"
    assert " ".join(ACTIONS) == paper
    assert len(OTHERS) == 16 and not set(OTHERS) & set(ACTIONS)


def test_keys_are_met_exactly_and_the_ends_are_at_ease():
    curves = keyed(np.array([0.0, 0.25, 0.5, 1.0]), (0.5, {"knee_r": 90.0}))
    assert curves["knee_r"] == pytest.approx([REST["knee_r"], (90 + REST["knee_r"]) / 2, 90, REST["knee_r"]])


def test_pulse_and_hump():
    assert pulse(np.array([0.0, 0.1, 0.2, 0.9, 1.1]), 0.0, 0.2) == pytest.approx([0, 1, 0, 0, 1])
    assert hump(np.array([0.1, 0.2, 0.3, 0.4, 0.5]), 0.2, 0.4) == pytest.approx([0, 0, 1, 0, 0])


@pytest.mark.parametrize("name", ACTIONS | OTHERS)
def test_gestures_begin_and_end_at_ease_and_cycles_close(name):
    motion = (ACTIONS | OTHERS)[name]
    curves = motion.curves(np.array([0.0, 1.0 if motion.gesture else 4.0]), np.zeros(6))
    assert set(curves) <= set(CURVES)
    for curve, values in curves.items():
        values = np.broadcast_to(values, 2)
        expected = [REST.get(curve, 0.0)] * 2 if motion.gesture else values[:1].repeat(2)
        assert values == pytest.approx(expected, abs=1e-9), curve


def test_no_two_motions_look_alike():
    """Angles over one performance, as seen by their mean and spread, differ by several degrees for every pair."""
    seen = {}
    for name, motion in (ACTIONS | OTHERS).items():
        curves = performed(motion, np.linspace(0, 1, 40), np.ones(40), np.random.default_rng(3))
        seen[name] = np.concatenate([(curves[a].mean(), curves[a].std()) for a in ANGLES])
    names = list(seen)
    for i, a in enumerate(names):
        for b in names[:i]:
            assert np.abs(seen[a] - seen[b]).max() > 8, (a, b)


def place(name: str, joint: str, phase: float, axis: int) -> float:
    motion = ACTIONS[name]
    curves = {curve: np.full(1, REST.get(curve, 0.0)) for curve in CURVES}
    curves |= {k: np.broadcast_to(v, 1) for k, v in motion.curves(np.array([phase]), np.zeros(6)).items()}
    return float(joint_places(curves, Body(), motion.anchor)[0, JOINTS.index(joint), axis])


def test_actions_do_what_they_are_called():
    standing = place("jump", "head", 0.0, 1)
    assert place("jump", "head", 0.56, 1) > standing + 0.15
    assert place("squat", "pelvis", 0.5, 1) < 0.55 * place("squat", "pelvis", 0, 1)
    assert place("kick", "ankle_r", 0.55, 1) > 0.6
    assert place("bend", "wrist_r", 0.5, 1) < 0.35
    assert place("pick_up", "wrist_r", 0.42, 1) < 0.25 and place("pick_up", "wrist_r", 0.8, 1) > 0.8
    assert place("crawl", "neck", 0.3, 1) < 0.8 and place("crawl", "knee_r", 0.3, 1) < 0.25
    assert place("punch", "wrist_r", 0.71, 0) - place("punch", "wrist_r", 0.1, 0) > 0.25
    apart = [place("clap", "wrist_r", c, 2) - place("clap", "wrist_l", c, 2) for c in (0.25, 0.75)]
    assert apart[0] > 0.35 and abs(apart[1]) < 0.15
