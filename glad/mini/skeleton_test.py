import numpy as np
import pytest

from glad.mini.motion import ACTIONS, OTHERS, performed
from glad.mini.skeleton import BONES, FLESH, JOINTS, Body, body, joint_places, rest, seen_from

MOTIONS = ACTIONS | OTHERS


def performance(name: str, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    motion = MOTIONS[name]
    phase = np.linspace(0, 1 if motion.gesture else 2, 60)
    return joint_places(performed(motion, phase, np.ones(60), rng), body(rng), motion.anchor)


def at(joints: np.ndarray, name: str) -> np.ndarray:
    return joints[:, JOINTS.index(name)]


@pytest.mark.parametrize("name", MOTIONS)
def test_bones_keep_their_lengths(name):
    joints = performance(name)
    for a, b in BONES:
        length = np.linalg.norm(at(joints, a) - at(joints, b), axis=1)
        assert np.ptp(length) < 1e-9 and 0.04 < length[0] < 0.8


@pytest.mark.parametrize("name", MOTIONS)
def test_nobody_sinks_and_only_the_lifted_fly(name):
    joints = performance(name)
    flesh = np.array([FLESH.get(joint, 0.04) for joint in JOINTS])
    height = (joints[..., 1] - flesh).min(1)
    assert height.min() > -1e-9
    flying = {"jump": 0.2, "run": 0.04, "jack": 0.05, "hop": 0.1}
    assert height.max() > flying[name] if name in flying else height.max() < 1e-9


def test_standing_person_is_as_tall_as_its_parts():
    joints = joint_places({name: 0 * curve for name, curve in rest(1).items()}, Body())
    part = Body()
    assert at(joints, "head")[0, 1] == pytest.approx(part.shin + part.thigh + part.torso + part.head + 0.05)
    assert at(joints, "wrist_r")[0, 2] == pytest.approx(part.shoulder) == -at(joints, "wrist_l")[0, 2]
    assert at(joints, "toe_r")[0, 0] == pytest.approx(part.foot)


def test_an_angle_turns_its_limb_the_way_it_says():
    curves = {name: 0 * curve for name, curve in rest(1).items()}
    part = Body()
    forward = joint_places(curves | {"arm_r": np.array([90.0])}, part)
    assert at(forward, "wrist_r")[0, 0] == pytest.approx(part.upper_arm + part.forearm)
    aside = joint_places(curves | {"wide_r": np.array([90.0])}, part)
    assert at(aside, "wrist_r")[0, 2] == pytest.approx(part.shoulder + part.upper_arm + part.forearm)
    bowed = joint_places(curves | {"bow": np.array([90.0])}, part)
    assert at(bowed, "neck")[0, 0] == pytest.approx(part.torso)
    bent = joint_places(curves | {"knee_r": np.array([90.0])}, part)
    assert at(bent, "ankle_r")[0, 0] - at(bent, "knee_r")[0, 0] == pytest.approx(-part.shin)


@pytest.mark.parametrize("name", ["squat", "bend", "dance", "pick_up"])
def test_feet_do_not_slide(name):
    joints = performance(name)
    feet = (at(joints, "ankle_r") + at(joints, "ankle_l"))[:, [0, 2]] / 2
    assert np.abs(feet).max() < (0.12 if name == "dance" else 1e-9)


def test_camera_sees_right_up_and_nearer():
    joints = np.zeros((1, 17, 3))
    joints[0, 0] = (1, 2, 3)
    assert seen_from(joints, 0, 0)[0, 0].tolist() == [1, 2, 3]
    assert seen_from(joints, 90, 0)[0, 0] == pytest.approx([-3, 2, 1])  # it faces us: its right hand is on our left
    assert seen_from(joints, 0, 90)[0, 0] == pytest.approx([1, -3, 2])  # from above, what was up is near
