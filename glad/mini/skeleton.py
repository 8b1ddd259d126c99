"""A jointed stick person: from joint angles over time to the places of seventeen joints in space.

Space is in metres, the person faces +x, up is +y, the right-hand side is +z. Angles are in degrees. All of it is
ours; it stands in for the recordings behind real datasets, and knows nothing of pictures.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

ANGLES = (
    *("lean", "roll", "turn", "bow", "side", "twist", "nod"),
    *("hip_r", "out_r", "knee_r", "foot_r", "hip_l", "out_l", "knee_l", "foot_l"),
    *("arm_r", "wide_r", "in_r", "elbow_r", "arm_l", "wide_l", "in_l", "elbow_l"),
)
"""lean/roll/turn: the pelvis forwards, to the right, to the left; bow/side/twist: the chest on the pelvis; nod: the
head. Of a leg, hip: thigh forwards, out: thigh outwards, knee: bent, foot: toes up. Of an arm, arm: forwards and up,
wide: outwards, in: upper arm turned inwards, elbow: bent."""
SHIFTS = ("lift", "go", "aside")
"""Metres above the ground, forwards, to the right."""
CURVES = ANGLES + SHIFTS

JOINTS = (
    *("pelvis", "neck", "head", "shoulder_r", "elbow_r", "wrist_r", "shoulder_l", "elbow_l", "wrist_l"),
    *("hip_r", "knee_r", "ankle_r", "toe_r", "hip_l", "knee_l", "ankle_l", "toe_l"),
)
BONES = (
    *(("pelvis", "neck"), ("neck", "head"), ("neck", "shoulder_r"), ("shoulder_r", "elbow_r")),
    *(("elbow_r", "wrist_r"), ("neck", "shoulder_l"), ("shoulder_l", "elbow_l"), ("elbow_l", "wrist_l")),
    *(("pelvis", "hip_r"), ("hip_r", "knee_r"), ("knee_r", "ankle_r"), ("ankle_r", "toe_r")),
    *(("pelvis", "hip_l"), ("hip_l", "knee_l"), ("knee_l", "ankle_l"), ("ankle_l", "toe_l")),
)
FLESH = {"ankle_r": 0.05, "ankle_l": 0.05, "toe_r": 0.03, "toe_l": 0.03, "pelvis": 0.1, "head": 0.1}
"""How far a joint stays above the ground when it touches it; 0.04 for joints that are not named."""

REST = {
    "wide_r": 8.0,
    "wide_l": 8.0,
    "elbow_r": 14.0,
    "elbow_l": 14.0,
    "out_r": 3.0,
    "out_l": 3.0,
    "knee_r": 4.0,
    "knee_l": 4.0,
    "hip_r": 2.0,
    "hip_l": 2.0,
    "bow": 2.0,
}
"""Standing at ease; what is not named is 0."""


@dataclass(frozen=True)
class Body:
    """Limb lengths in metres, from joint to joint."""

    torso: float = 0.52
    head: float = 0.19
    shoulder: float = 0.19
    upper_arm: float = 0.29
    forearm: float = 0.27
    hip: float = 0.1
    thigh: float = 0.43
    shin: float = 0.42
    foot: float = 0.17


def body(rng: np.random.Generator) -> Body:
    """Return a person whose limbs each differ from the standard by up to 12 %, and whose size differs by 6 %."""
    size = rng.uniform(0.94, 1.06)
    return Body(**{name: size * length * rng.uniform(0.88, 1.12) for name, length in vars(Body()).items()})


def rest(frames: int) -> dict[str, np.ndarray]:
    """Return every curve of a person standing at ease, float64 `(frames,)` each."""
    return {name: np.full(frames, REST.get(name, 0.0)) for name in CURVES}


def joint_places(
    curves: Mapping[str, np.ndarray], person: Body, anchor: tuple[str, ...] = ("ankle_r", "ankle_l")
) -> np.ndarray:
    """Return the joints `(t, 17, 3)` in metres, in the order of `JOINTS`.

    The person stands on the ground: in each frame the lowest joint touches y = 0, raised by `lift`. It does not
    slide: the mean of the `anchor` joints stays above the origin, moved by `go` and `aside` alone.
    """
    angle = {name: np.deg2rad(curves[name]) for name in ANGLES}
    pelvis = _y(angle["turn"]) @ _x(angle["roll"]) @ _z(-angle["lean"])
    chest = pelvis @ _y(angle["twist"]) @ _x(angle["side"]) @ _z(-angle["bow"])
    place = {"pelvis": np.zeros((len(pelvis), 3))}
    place["neck"] = chest @ (0.0, person.torso, 0.0)
    place["head"] = place["neck"] + chest @ _z(-angle["nod"]) @ (0.02, person.head, 0.0)
    for side, sign in (("r", 1.0), ("l", -1.0)):
        shoulder = place["neck"] + chest @ (0.0, -0.04, sign * person.shoulder)
        upper = chest @ _z(angle[f"arm_{side}"]) @ _x(-sign * angle[f"wide_{side}"])
        elbow = shoulder + upper @ (0.0, -person.upper_arm, 0.0)
        fore = upper @ _y(sign * angle[f"in_{side}"]) @ _z(angle[f"elbow_{side}"])
        place |= {f"shoulder_{side}": shoulder, f"elbow_{side}": elbow}
        place[f"wrist_{side}"] = elbow + fore @ (0.0, -person.forearm, 0.0)
        hip = place["pelvis"] + pelvis @ (0.0, 0.0, sign * person.hip)
        thigh = pelvis @ _z(angle[f"hip_{side}"]) @ _x(-sign * angle[f"out_{side}"])
        knee = hip + thigh @ (0.0, -person.thigh, 0.0)
        shin = thigh @ _z(-angle[f"knee_{side}"])
        ankle = knee + shin @ (0.0, -person.shin, 0.0)
        toe = ankle + shin @ _z(angle[f"foot_{side}"]) @ (person.foot, -0.02, 0.0)
        place |= {f"hip_{side}": hip, f"knee_{side}": knee, f"ankle_{side}": ankle, f"toe_{side}": toe}
    joints = np.stack([place[name] for name in JOINTS], axis=1)
    flesh = np.array([FLESH.get(name, 0.04) for name in JOINTS])
    standing = joints[:, [JOINTS.index(name) for name in anchor]].mean(1)
    shift = np.stack([curves["go"], curves["lift"], curves["aside"]], axis=1)
    shift[:, [0, 2]] -= standing[:, [0, 2]]
    shift[:, 1] -= (joints[..., 1] - flesh).min(1)
    return joints + shift[:, None]


def seen_from(joints: np.ndarray, yaw: float, elevation: float) -> np.ndarray:
    """Return joints `(t, 17, 3)` as a far camera sees them: right, up, and towards the camera, in metres.

    With `yaw` 0 (degrees) the person faces right; with 90 it faces the camera. `elevation` (degrees) looks down.
    """
    turned = joints @ _y(np.deg2rad(np.array([-yaw])))[0].T
    return turned @ _x(np.deg2rad(np.array([elevation])))[0].T


def _x(angle: np.ndarray) -> np.ndarray:
    return _rotation(angle, 1, 2)


def _y(angle: np.ndarray) -> np.ndarray:
    return _rotation(angle, 2, 0)


def _z(angle: np.ndarray) -> np.ndarray:
    return _rotation(angle, 0, 1)


def _rotation(angle: np.ndarray, first: int, second: int) -> np.ndarray:
    """Return rotations `(t, 3, 3)` that turn axis `first` towards axis `second`."""
    turn = np.zeros((len(angle), 3, 3))
    turn[:, [0, 1, 2], [0, 1, 2]] = 1.0
    cos, sin = np.cos(angle), np.sin(angle)
    turn[:, first, first] = turn[:, second, second] = cos
    turn[:, first, second], turn[:, second, first] = -sin, sin
    return turn
