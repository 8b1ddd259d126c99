"""The movements of the miniature: twelve actions to be recognised and sixteen others to learn to see from.

A motion is a function of phase. A gesture runs once from 0 to 1 and begins and ends at ease; a cycle repeats with
period 1. `p` holds six numbers in [-1, 1], drawn once per performance, that vary how it is done. All of it is ours.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from glad.mini.skeleton import ANGLES, CURVES, REST, rest

Curves = dict[str, np.ndarray]


@dataclass(frozen=True)
class Motion:
    """`curves(phase, p)` gives the curves that differ from standing; `seconds` is one gesture or one period."""

    curves: Callable[[np.ndarray, np.ndarray], Mapping[str, np.ndarray | float]]
    seconds: float
    gesture: bool
    anchor: tuple[str, ...] = ("ankle_r", "ankle_l")


def keyed(u: np.ndarray, *keys: tuple[float, Mapping[str, float]]) -> Curves:
    """Return curves through key poses `(phase, angles)`, at ease at 0 and 1, eased in and out of each pose.

    A pose must name every angle that is not at ease in it.
    """
    keys = ((0.0, {}), *keys, (1.0, {}))
    at = np.array([phase for phase, _ in keys])
    step = np.clip(np.searchsorted(at, u, side="right") - 1, 0, len(at) - 2)
    part = np.clip((u - at[step]) / (at[step + 1] - at[step]), 0, 1)
    eased = part * part * (3 - 2 * part)
    curves = {}
    for name in {name for _, pose in keys for name in pose}:
        pose = np.array([values.get(name, REST.get(name, 0.0)) for _, values in keys])
        curves[name] = pose[step] + eased * (pose[step + 1] - pose[step])
    return curves


def wave_at(phase: np.ndarray, shift: float = 0.0) -> np.ndarray:
    """Return a sine of period 1 in `phase`, begun `shift` periods later."""
    return np.sin(2 * np.pi * (phase - shift))


def pulse(phase: np.ndarray, shift: float = 0.0, width: float = 0.45) -> np.ndarray:
    """Return a smooth bump from 0 to 1 to 0 that lasts `width` of each period."""
    part = ((phase - shift) % 1.0) / width
    return np.where(part < 1, np.sin(np.pi * np.clip(part, 0, 1)) ** 2, 0.0)


def hump(u: np.ndarray, start: float, stop: float) -> np.ndarray:
    """Return the parabola of free flight: 0 outside `start` to `stop`, 1 in the middle."""
    part = np.clip((u - start) / (stop - start), 0, 1)
    return 4 * part * (1 - part)


def both(**values: float) -> dict[str, float]:
    """Return the same angle for the right and the left limb: `both(knee=90)`."""
    return {f"{name}_{side}": value for name, value in values.items() for side in "rl"}


# the twelve actions ---------------------------------------------------------------------------------------------


def jump(u: np.ndarray, p: np.ndarray) -> Curves:
    down = both(hip=70, knee=95, foot=25, arm=-50, elbow=15) | {"bow": 25}
    up = both(hip=-2, knee=2, foot=-50, arm=150 + 20 * p[0], elbow=10) | {"bow": -4}
    air = both(hip=25 + 20 * p[1], knee=45 + 25 * p[1], foot=-30, arm=140 + 20 * p[0], elbow=20)
    land = both(hip=55, knee=75, foot=20, arm=40, elbow=30) | {"bow": 22}
    curves = keyed(u, (0.3, down), (0.42, up), (0.56, air), (0.7, up | both(arm=80, foot=-30)), (0.8, land))
    return curves | {"lift": (0.36 + 0.1 * p[2]) * hump(u, 0.41, 0.71)}


def run(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    curves = {"lean": 8 + 5 * p[0] + 0 * c, "lift": 0.07 * np.abs(wave_at(c, 0.1)), "twist": 8 * wave_at(c)}
    for side, shift in (("r", 0.0), ("l", 0.5)):
        curves[f"hip_{side}"] = 22 + 45 * wave_at(c, shift)
        curves[f"knee_{side}"] = 25 + 85 * pulse(c, shift - 0.35, 0.75)
        curves[f"foot_{side}"] = -15 - 20 * wave_at(c, shift + 0.2)
        curves[f"arm_{side}"] = 5 - (40 + 10 * p[1]) * wave_at(c, shift)
        curves[f"elbow_{side}"] = 85 + 15 * p[2] - 15 * wave_at(c, shift)
        curves[f"wide_{side}"] = 12 + 0 * c
    return curves


def throw(u: np.ndarray, p: np.ndarray) -> Curves:
    stance = {"hip_l": 28, "knee_l": 18, "hip_r": -18, "knee_r": 14}
    back = {"arm_r": 60 + 15 * p[0], "wide_r": 100, "in_r": -70, "elbow_r": 110, "twist": -45, "bow": -12}
    cock = {"arm_r": 150, "wide_r": 60, "in_r": -60, "elbow_r": 100, "twist": -20, "bow": -8}
    loose = {"arm_r": 120, "wide_r": 20, "elbow_r": 12, "twist": 25, "bow": 15}
    through = {"arm_r": 25 + 15 * p[1], "wide_r": -12, "elbow_r": 15, "twist": 45, "bow": 32}
    left = {"arm_l": 70, "elbow_l": 20}
    return keyed(
        u,
        (0.35, back | left | {"hip_l": 40, "knee_l": 45}),
        (0.5, cock | stance | left),
        (0.6, loose | stance | {"arm_l": 10}),
        (0.72, through | stance | {"arm_l": -20}),
    )


def kick(u: np.ndarray, p: np.ndarray) -> Curves:
    load = {"hip_r": -32, "knee_r": 75, "bow": 8, "arm_l": 35, "wide_r": 35, "knee_l": 14, "hip_l": 10}
    hit = {"hip_r": 88 + 18 * p[0], "knee_r": 6, "bow": -14, "lean": -6, "wide_l": 45, "wide_r": 40, "arm_r": -25}
    hold = {"hip_r": 65, "knee_r": 70, "bow": 0, "wide_l": 30, "wide_r": 30}
    return keyed(u, (0.32, load), (0.5, hit | {"foot_r": -25}), (0.58, hit), (0.76, hold))


def bend(u: np.ndarray, p: np.ndarray) -> Curves:
    low = {"bow": 112 + 12 * p[0], "nod": 20} | both(hip=-4, knee=5, arm=100, wide=6, elbow=5)
    return keyed(u, (0.4, low), (0.6, low | {"bow": 106.0 + 12 * p[0]}))


def dance(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    fast = 1 + 0.5 * (p[0] > 0)
    curves = {
        "aside": 0.09 * wave_at(c),
        "roll": 9 * wave_at(c),
        "side": -14 * wave_at(c),
        "twist": 22 * wave_at(fast * c, 0.2),
        "turn": (25 + 15 * p[1]) * wave_at(c / 4, p[2]),
    }
    bounce = 18 + 14 * wave_at(2 * c)
    for side, shift in (("r", 0.0), ("l", 0.5)):
        curves[f"knee_{side}"] = 2 * bounce + 12 * pulse(c, shift)
        curves[f"hip_{side}"] = bounce + 16 * pulse(c, shift)
        curves[f"arm_{side}"] = 105 + 20 * p[3] + 50 * wave_at(fast * c, shift)
        curves[f"wide_{side}"] = 40 + 30 * wave_at(c, shift + 0.25)
        curves[f"elbow_{side}"] = 60 + 40 * wave_at(fast * c, shift + 0.4)
    return curves


def clean_something(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    curves = {
        "bow": 24 + 12 * p[0] + 3 * wave_at(c, 0.1),
        "twist": 10 * wave_at(c),
        "arm_r": 82 + 20 * p[1] + 14 * wave_at(c, 0.25),
        "wide_r": 5 + 32 * wave_at(c),
        "elbow_r": 28 + 16 * wave_at(c, 0.6),
        "arm_l": 40.0,
        "elbow_l": 70.0,
        "in_l": 30.0,
    }
    return curves | both(hip=8, knee=10)


def squat(u: np.ndarray, p: np.ndarray) -> Curves:
    low = {"bow": 38 + 8 * p[0]} | both(hip=112, knee=128, out=14, foot=18, arm=105, wide=4, elbow=8)
    return keyed(u, (0.42, low), (0.58, low))


def punch(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    left, right = pulse(c, 0.0, 0.42), pulse(c, 0.5, 0.42)
    curves = {"twist": -38 * left + 38 * right, "bow": 8 + 4 * p[0], "lean": 4.0}
    curves |= {"hip_l": 24.0, "knee_l": 24.0, "hip_r": -12.0, "knee_r": 20 + 10 * right, "foot_r": -12.0}
    for side, out in (("r", right), ("l", left)):
        curves[f"arm_{side}"] = 32 + (60 + 8 * p[1]) * out
        curves[f"elbow_{side}"] = 132 - 126 * out
        curves[f"wide_{side}"] = 10 - 6 * out
        curves[f"in_{side}"] = 14 - 14 * out
    return curves


def crawl(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    curves = {"lean": 76 + 4 * p[0] + 0 * c, "bow": 2 + 3 * p[1], "nod": -38.0, "twist": 7 * wave_at(c)}
    for side, shift in (("r", 0.0), ("l", 0.5)):
        curves[f"hip_{side}"] = 76 + 20 * wave_at(c, shift)
        curves[f"knee_{side}"] = 86 + 6 * wave_at(c, shift + 0.25)
        curves[f"foot_{side}"] = -82.0
        curves[f"wide_{side}"] = 2.0
        curves[f"arm_{side}"] = 78 - 28 * wave_at(c, shift)
        curves[f"elbow_{side}"] = 8 + 30 * pulse(c, shift + 0.5)
    return curves


def clap(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    apart = 0.5 + 0.5 * wave_at(c)
    return {"nod": 4 * wave_at(c), "bow": 3.0} | both_curves(
        arm=62 + 26 * p[0] + 0 * c,
        wide=2 + 34 * apart,
        elbow=60 + 12 * p[1] - 12 * apart,
        **{"in": 40 - 42 * apart},
    )


def pick_up(u: np.ndarray, p: np.ndarray) -> Curves:
    reach = {"bow": 80.0, "twist": 14.0, "arm_r": 70.0, "elbow_r": 4.0, "wide_r": 2.0, "arm_l": 18.0, "elbow_l": 40.0}
    reach |= {"hip_r": 62 + 10 * p[0], "knee_r": 112.0, "hip_l": 92 + 8 * p[0], "knee_l": 108.0, "foot_r": -18.0}
    carry = {"bow": 4} | both(arm=38 + 10 * p[1], elbow=92, **{"in": 38})
    return keyed(u, (0.36, reach), (0.48, reach), (0.72, carry), (0.86, carry))


# the sixteen others ---------------------------------------------------------------------------------------------


def both_curves(**values: np.ndarray | float) -> dict[str, np.ndarray | float]:
    """Return the same curve for the right and the left limb."""
    return {f"{name}_{side}": value for name, value in values.items() for side in "rl"}


def wave(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    return {"arm_r": 150 + 12 * p[0], "wide_r": 30 + 8 * wave_at(c), "elbow_r": 50 + 38 * wave_at(c, 0.1)}


def walk(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    curves = {"twist": 6 * wave_at(c)}
    for side, shift in (("r", 0.0), ("l", 0.5)):
        curves[f"hip_{side}"] = 6 + (25 + 5 * p[0]) * wave_at(c, shift)
        curves[f"knee_{side}"] = 8 + 48 * pulse(c, shift - 0.3, 0.6)
        curves[f"arm_{side}"] = 2 - (24 + 8 * p[1]) * wave_at(c, shift)
        curves[f"elbow_{side}"] = 22 - 10 * wave_at(c, shift)
    return curves


def jack(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    wide = 0.5 - 0.5 * wave_at(c, -0.25)
    return both_curves(wide=10 + 150 * wide, out=3 + 24 * wide) | {"lift": 0.08 * np.abs(wave_at(c))}


def arm_circles(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    return both_curves(arm=75 + 70 * wave_at(c), wide=55 + 45 * wave_at(c, 0.25), elbow=6.0)


def knee_up(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    right, left = pulse(c, 0.0, 0.5), pulse(c, 0.5, 0.5)
    legs = {"hip_r": 92 * right, "knee_r": 4 + 96 * right, "hip_l": 92 * left, "knee_l": 4 + 96 * left}
    return legs | both_curves(wide=20.0, elbow=70.0)


def side_step(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    return {"aside": 0.28 * wave_at(c)} | both_curves(out=12 + 12 * wave_at(2 * c), knee=20.0, hip=12.0)


def twist(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    return {"twist": 58 * wave_at(c)} | both_curves(wide=82 + 8 * p[0], elbow=20 + 30 * (p[1] > 0))


def swing(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    return both_curves(arm=35 + 70 * wave_at(c), elbow=8.0, knee=16 + 12 * wave_at(c)) | {"bow": 10 - 8 * wave_at(c)}


def hop(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    crouch = pulse(c, 0.0, 0.5)
    leg = {"hip_l": 8 + 24 * crouch, "knee_l": 10 + 42 * crouch, "hip_r": 18.0, "knee_r": 85.0}
    return leg | {"lift": 0.16 * pulse(c, 0.5, 0.5)} | both_curves(wide=30.0, elbow=40.0)


def lunge(u: np.ndarray, p: np.ndarray) -> Curves:
    low = {"hip_r": 82.0, "knee_r": 88.0, "hip_l": -24.0, "knee_l": 62.0, "foot_l": -25.0} | both(elbow=80, wide=25)
    return keyed(u, (0.42, low), (0.58, low))


def take_a_bow(u: np.ndarray, p: np.ndarray) -> Curves:
    low = {"bow": 55 + 10 * p[0], "nod": 25.0, "arm_r": 60.0, "elbow_r": 90.0, "in_r": 60.0, "arm_l": -25.0}
    return keyed(u, (0.4, low), (0.62, low))


def sit(u: np.ndarray, p: np.ndarray) -> Curves:
    low = {"bow": 12 + 8 * p[0]} | both(hip=82, knee=84, arm=30, elbow=55)
    return keyed(u, (0.2, {"bow": 35} | both(hip=40, knee=45, arm=20)), (0.38, low), (0.7, low))


def reach(u: np.ndarray, p: np.ndarray) -> Curves:
    high = {"arm_r": 168.0, "wide_r": 5.0, "elbow_r": 4.0, "side": -10.0} | both(foot=-32)
    return keyed(u, (0.4, high), (0.6, high | {"arm_r": 160.0}))


def side_bend(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    return {
        "side": 34 * wave_at(c),
        "wide_r": 70 - 75 * wave_at(c),
        "wide_l": 70 + 75 * wave_at(c),
        **both(out=12),
    }


def push(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    out = 0.5 + 0.5 * wave_at(c)
    legs = {"hip_l": 26.0, "knee_l": 26.0, "hip_r": -16.0, "knee_r": 12.0}
    return legs | {"bow": 8 + 18 * out} | both_curves(arm=35 + 50 * out, elbow=120 - 108 * out)


def stomp(c: np.ndarray, p: np.ndarray) -> Mapping[str, np.ndarray | float]:
    up = pulse(c, 0.0, 0.7)
    return {"hip_r": 62 * up, "knee_r": 4 + 72 * up, "bow": 6 + 8 * up} | both_curves(elbow=95.0, wide=22.0)


ACTIONS = {
    "jump": Motion(jump, 1.7, True),
    "run": Motion(run, 0.72, False, anchor=("pelvis",)),
    "throw": Motion(throw, 1.6, True),
    "kick": Motion(kick, 1.4, True, anchor=("ankle_l",)),
    "bend": Motion(bend, 2.4, True),
    "dance": Motion(dance, 1.1, False),
    "clean_something": Motion(clean_something, 0.9, False),
    "squat": Motion(squat, 2.2, True),
    "punch": Motion(punch, 0.9, False),
    "crawl": Motion(crawl, 1.2, False, anchor=("pelvis",)),
    "clap": Motion(clap, 0.5, False),
    "pick_up": Motion(pick_up, 2.3, True),
}
"""The paper's twelve classes, in the order of their indices."""

OTHERS = {
    "wave": Motion(wave, 0.7, False),
    "walk": Motion(walk, 1.1, False, anchor=("pelvis",)),
    "jack": Motion(jack, 1.0, False),
    "arm_circles": Motion(arm_circles, 1.2, False),
    "knee_up": Motion(knee_up, 1.1, False, anchor=("pelvis",)),
    "side_step": Motion(side_step, 1.5, False),
    "twist": Motion(twist, 1.2, False),
    "swing": Motion(swing, 1.1, False),
    "hop": Motion(hop, 0.7, False, anchor=("ankle_l",)),
    "lunge": Motion(lunge, 2.0, True, anchor=("ankle_l",)),
    "take_a_bow": Motion(take_a_bow, 2.2, True),
    "sit": Motion(sit, 2.6, True),
    "reach": Motion(reach, 1.8, True),
    "side_bend": Motion(side_bend, 1.8, False),
    "push": Motion(push, 1.1, False),
    "stomp": Motion(stomp, 0.8, False, anchor=("ankle_l",)),
}
"""Sixteen motions that are none of the twelve, for the initial weights."""


def performed(motion: Motion, phase: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> Curves:
    """Return all curves `(t,)` of one person's way of doing `motion`.

    `phase` and `weight` are `(t,)`: where in the motion each frame is, and how far the person is into it (0: at
    ease). Amplitude (of a gesture from standing, of a cycle around its middle), posture and a slow sway are the
    performer's own.
    """
    p, amplitude = rng.uniform(-1, 1, 6), rng.uniform(0.82, 1.1)
    posture, sway = rng.normal(0, 2.5, len(ANGLES)), rng.uniform(0, 1, len(ANGLES))
    seconds = np.arange(len(phase)) / 30
    curves = rest(len(phase))
    for name, curve in motion.curves(phase, p).items():
        middle = curves[name] if motion.gesture else np.mean(curve)
        curves[name] = curves[name] + weight * (middle + amplitude * (curve - middle) - curves[name])
    for name, offset, start in zip(ANGLES, posture, sway, strict=True):
        bent = curves[name] + offset + 1.2 * wave_at(seconds / 3, start)
        curves[name] = np.maximum(bent, 0) if name[:-2] in ("knee", "elbow") else bent
    assert set(curves) == set(CURVES)
    return curves
