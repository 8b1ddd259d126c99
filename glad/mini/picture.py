"""Pictures of the miniature: textured rooms with clothed people, and a grey body on a grey checkerboard.

Everything is drawn at 128 x 128 and averaged down to 64 x 64, RGB uint8. All of it is ours.
"""

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np

from glad.mini.skeleton import JOINTS

SIDE = 64
"""Height and width of a frame in pixels."""
CANVAS = 2 * SIDE
MARGIN = 8
"""Canvas pixels around the picture, so that the camera can shake."""
GROUND = 0.86
"""Where the person stands, as a share of the height."""

Colour = tuple[int, int, int]

_STROKES = (
    *(("elbow_r", "wrist_r", "sleeve", 0.085), ("shoulder_r", "elbow_r", "shirt", 0.1)),
    *(("elbow_l", "wrist_l", "sleeve", 0.085), ("shoulder_l", "elbow_l", "shirt", 0.1)),
    *(("ankle_r", "toe_r", "shoes", 0.1), ("knee_r", "ankle_r", "trousers", 0.11)),
    *(("hip_r", "knee_r", "trousers", 0.14), ("ankle_l", "toe_l", "shoes", 0.1)),
    *(("knee_l", "ankle_l", "trousers", 0.11), ("hip_l", "knee_l", "trousers", 0.14)),
    *(("pelvis", "neck", "shirt", 0.24), ("neck", "head", "skin", 0.2)),
)
"""Joint, joint, colour, width in metres."""
_FROM = [JOINTS.index(a) for a, _, _, _ in _STROKES]
_TO = [JOINTS.index(b) for _, b, _, _ in _STROKES]
_TORSO = [JOINTS.index(name) for name in ("shoulder_r", "shoulder_l", "hip_l", "hip_r")]


@dataclass(frozen=True)
class Look:
    """What a person wears, and how stout the person is (1: standard)."""

    shirt: Colour
    sleeve: Colour
    trousers: Colour
    shoes: Colour
    skin: Colour
    hair: Colour
    girth: float


def clothed(rng: np.random.Generator) -> Look:
    """Return a person in dark clothes of any colour."""
    skin = rgb(rng.uniform(0.02, 0.1), rng.uniform(0.3, 0.6), rng.uniform(0.35, 0.7))
    shirt = rgb(rng.uniform(), rng.uniform(0.2, 0.8), rng.uniform(0.12, 0.45))
    trousers = rgb(rng.uniform(), rng.uniform(0.1, 0.6), rng.uniform(0.08, 0.35))
    hair = rgb(rng.uniform(0, 0.12), rng.uniform(0, 0.5), rng.uniform(0.05, 0.3))
    shoes = rgb(rng.uniform(), 0.2, rng.uniform(0.04, 0.2))
    return Look(shirt, shirt if rng.uniform() < 0.4 else skin, trousers, shoes, skin, hair, rng.uniform(0.8, 1.25))


def grey_body(rng: np.random.Generator) -> Look:
    """Return the grey mannequin of the target domain."""
    body: Colour = (96, 96, 98)
    return Look(body, body, body, body, body, body, rng.uniform(0.85, 1.15))


def rgb(hue: float, saturation: float, value: float) -> Colour:
    """Return the colour with hue, saturation and value in [0, 1] as three levels in [0, 255]."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return int(255 * red), int(255 * green), int(255 * blue)


def room(scene: int, rng: np.random.Generator, contrast: float = 0.5) -> np.ndarray:
    """Return one picture `(144, 144, 3)` of scene type `scene`: a wall, a floor and furniture.

    The type fixes the textures, colours and furniture; `rng` moves, tints and soils them a little, so that no two
    videos share a picture. `contrast` shrinks the differences around the mean; the mean stays lighter than a person.
    """
    kind = np.random.default_rng([9001, scene])
    size = CANVAS + 2 * MARGIN
    hue = kind.uniform() + rng.normal(0, 0.02)
    horizon = int(size * (kind.uniform(0.5, 0.72) + rng.normal(0, 0.015)))
    picture = np.empty((size, size, 3), np.float32)
    for part in (slice(0, horizon), slice(horizon, size)):
        first = rgb(hue + kind.normal(0, 0.06), kind.uniform(0.15, 0.75), kind.uniform(0.5, 1.0))
        second = rgb(hue + kind.normal(0, 0.15), kind.uniform(0.15, 0.75), kind.uniform(0.3, 1.0))
        mask = texture(int(kind.integers(6)), kind.uniform(7, 22), rng.uniform(0, 20, 2), size)[..., None]
        picture[part] = (np.array(first) * (1 - mask) + np.array(second) * mask)[part]
    for _ in range(int(kind.integers(2, 6))):
        place = kind.uniform(0, size, 2) + rng.normal(0, 4, 2)
        extent = kind.uniform(0.06, 0.2, 2) * size
        colour = rgb(kind.uniform(), kind.uniform(0.1, 0.7), kind.uniform(0.2, 1.0))
        corner, across = (place - extent).astype(int), (place + extent).astype(int)
        if kind.uniform() < 0.3:
            cv2.circle(picture, place.astype(int).tolist(), int(extent[0]), colour, -1)
        else:
            cv2.rectangle(picture, corner.tolist(), across.tolist(), colour, -1)
    picture += cv2.resize(rng.normal(0, 14, (size // 4, size // 4, 3)).astype(np.float32), (size, size))
    mean = picture.mean((0, 1))
    level = max(float(mean.mean()), 135.0) + rng.normal(0, 6)
    picture = (picture - mean) * contrast + mean * (level / float(mean.mean()))
    return np.clip(picture, 0, 255).astype(np.uint8)


def texture(kind: int, pitch: float, start: np.ndarray, size: int) -> np.ndarray:
    """Return a pattern `(size, size)` in [0, 1]: stripes three ways, tiles, checks or blotches."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) + start.astype(np.float32)[:, None, None]
    if kind == 5:
        small = np.random.default_rng(int(1000 * start[0])).uniform(0, 1, (int(size / pitch) + 2,) * 2)
        return cv2.resize(small.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    if kind == 3:
        return np.where((x % pitch < 0.15 * pitch) | (y % (0.6 * pitch) < 0.12 * pitch), 1.0, 0.0)
    if kind == 4:
        return ((x // pitch + y // pitch) % 2).astype(np.float32)
    along = (x, y, x + y)[kind]
    return ((along % pitch) < pitch / 2).astype(np.float32)


def checkerboard() -> np.ndarray:
    """Return the one background of the target domain `(144, 144, 3)`: a grey chequered floor under a grey sky."""
    size = CANVAS + 2 * MARGIN
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    horizon = 0.55 * size
    depth = 0.16 * size / np.maximum(y - horizon, 0.5)
    checks = np.floor((x / size - 0.5) * depth * 9 + 40) + np.floor(depth * 5)
    floor = np.where(checks % 2 < 1, 142.0, 176.0)
    fog = np.clip(1 - (y - horizon) / (0.12 * size), 0, 1)
    floor = floor * (1 - fog) + 164 * fog
    grey = np.where(y < horizon, 205 - 40 * y / horizon, floor)
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def shake(frames: int, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Return where a hand-held camera points, whole canvas pixels `(frames, 2)`; `amount` is its spread in pixels."""
    if amount == 0:
        return np.zeros((frames, 2), int)
    steps = rng.normal(0, 1, (frames + 24, 2)).cumsum(0)
    smooth = cv2.blur(steps, (1, 9))[12 : 12 + frames]
    smooth -= smooth.mean(0)
    spread = max(float(smooth.std()), 1e-6)
    return np.clip(np.rint(amount * smooth / spread), -MARGIN, MARGIN).astype(int)


def drawn(
    joints: np.ndarray,
    look: Look,
    background: np.ndarray,
    place: tuple[float, float],
    scale: float,
    camera: np.ndarray,
    passer_by: np.ndarray | None = None,
) -> np.ndarray:
    """Return the frames `(t, 64, 64, 3)` of a person before a `background`.

    `joints` `(t, 17, 3)` are in metres as the camera sees them (right, up, nearer), `place` is where their origin
    appears (canvas pixels), `scale` the canvas pixels of a metre, `camera` `(t, 2)` the shake, and `passer_by`
    `(t, 2)` the way of a grey ball that rolls through the picture, if one does.
    """
    corner = np.array([place[0] + MARGIN, place[1] + MARGIN])
    at = np.rint(joints[..., :2] * (scale, -scale) + corner).astype(int)
    nearness = joints[:, _FROM, 2] + joints[:, _TO, 2]
    order = np.argsort(nearness, axis=1).tolist()
    shade = np.clip(1 + 0.35 * nearness, 0.72, 1.28)
    colours = np.array([getattr(look, colour) for _, _, colour, _ in _STROKES])
    shaded = np.clip(colours * shade[..., None], 0, 255).astype(int).tolist()
    widths = [max(1, round(width * scale * look.girth)) for _, _, _, width in _STROKES]
    starts, stops, torso = at[:, _FROM].tolist(), at[:, _TO].tolist(), np.array(at[:, _TORSO], np.int32, order="C")
    hands, head = at[:, [JOINTS.index("wrist_r"), JOINTS.index("wrist_l")]].tolist(), len(_STROKES) - 1
    hand, skull = max(1, round(0.052 * scale)), max(2, round(0.115 * scale))
    trunk = head - 1
    frames = np.empty((len(at), SIDE, SIDE, 3), np.uint8)
    for t in range(len(at)):
        picture = background.copy()
        if passer_by is not None:
            cv2.circle(picture, passer_by[t].tolist(), 9, (120, 112, 104), -1)
        for stroke in order[t]:
            colour = shaded[t][stroke]
            if stroke == trunk:
                cv2.fillConvexPoly(picture, cv2.convexHull(torso[t]), colour)
                cv2.line(picture, starts[t][stroke], stops[t][stroke], colour, widths[stroke])
            elif stroke == head:
                cv2.line(picture, starts[t][stroke], stops[t][stroke], colour, max(1, widths[stroke] // 2))
                top = stops[t][stroke]
                cv2.circle(picture, (top[0], top[1] - 1), skull, look.hair, -1)
                cv2.circle(picture, (top[0], top[1] + skull // 3), skull - max(1, skull // 5), look.skin, -1)
            else:
                cv2.line(picture, starts[t][stroke], stops[t][stroke], colour, widths[stroke])
                if stroke in (0, 2):
                    cv2.circle(picture, hands[t][stroke // 2], hand, look.skin, -1)
        dx, dy = MARGIN + int(camera[t, 0]), MARGIN + int(camera[t, 1])
        seen = picture[dy : dy + CANVAS, dx : dx + CANVAS]
        cv2.resize(seen, (SIDE, SIDE), frames[t], interpolation=cv2.INTER_AREA)
    return frames
