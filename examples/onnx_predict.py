"""Names the action in a video with an exported model: onnxruntime, PyAV and numpy alone, no glad and no PyTorch.

python onnx_predict.py exported/model.onnx clip.mp4
"""

import json
import sys

import av
import numpy as np
import onnxruntime


def indices(rule: dict, n: int) -> np.ndarray:
    """Return which of a video's n frames a view looks at, (clips, length)."""
    of, i = rule["of"], np.arange(rule["length"])
    k = np.arange(of)[:, None]
    if rule["rule"] == "middles":
        size = max(n, rule["least"]) // of
        found = np.array(rule["part"])[:, None] * size + (2 * i + 1) * size // (2 * len(i))
    elif rule["rule"] == "dense":
        span, starts = rule["span"], (2 * k + 1) * max(n - rule["span"] + 1, 0) // (2 * of)
        if rule["adjacent"] and n >= of * span:
            starts = (n - of * span) // 2 + k * span
        table = starts + rule["interval"] * i
        found = table[rule["rows"]] if "rows" in rule else table[:, rule["columns"]].T
    else:
        slower = -(-rule["least"] // n)
        slots = n * slower // rule["grid"] - rule["reserve"]
        slot = k * (slots // of) + np.minimum(k, slots % of)
        found = (rule["grid"] * slot + rule["interval"] * i) // slower
    return found % n if rule["past_end"] == "wrap" else np.minimum(found, n - 1)


def resized(frame: np.ndarray, height: int, width: int, shrink: str) -> np.ndarray:
    """Return a frame (h, w, 3) as (height, width, 3): the mean over areas, or bilinear."""
    area = shrink == "area" and height < frame.shape[0] and width < frame.shape[1]
    shares = []
    for old, new in zip(frame.shape[:2], (height, width), strict=True):
        pixel, edge = np.arange(old), np.arange(new + 1)[:, None] * old / new
        covered = np.minimum(edge[1:], pixel + 1) - np.maximum(edge[:-1], pixel)
        centre = np.clip((edge[1:] + edge[:-1] - 1) / 2, 0, old - 1)
        shares.append(np.maximum(covered * new / old if area else 1 - abs(centre - pixel), 0))
    return np.rint(np.einsum("yh,hwc,xw->yxc", shares[0], frame, shares[1], optimize=True)).astype(np.uint8)


def seen(frame: np.ndarray, rule: dict) -> np.ndarray:
    """Return a frame (h, w, 3) as the network sees it, (3, size, size)."""
    (h, w), short, size = frame.shape[:2], rule["short_side"], rule["size"]
    if short:
        scale = short / min(h, w)
        h, w = (short, short) if rule["square"] else (int(h * scale + 0.5), int(w * scale + 0.5))
        frame = resized(frame, h, w, rule["shrink"])
    if rule["crop"] == "center":
        top, left = max(h - size, 0) // 2, max(w - size, 0) // 2
        frame = frame[top : top + size, left : left + size]
    return resized(frame, size, size, rule["shrink"]).transpose(2, 0, 1)


def predicted(model: str, video: str) -> list[tuple[str, float]]:
    """Return the classes with their probabilities, most probable first."""
    network = onnxruntime.InferenceSession(model)
    about = json.loads(network.get_modelmeta().custom_metadata_map["glad"])
    n = sum(1 for _ in av.open(video).decode(video=0))
    views = {name: indices(view["frames"], n) for name, view in about["inputs"].items()}
    wanted, pixels = {j for view in views.values() for j in view.ravel().tolist()}, {}
    for number, frame in enumerate(av.open(video).decode(video=0)):
        if number in wanted:
            upright = np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90)
            pixels[number] = seen(upright, about["pixels"])
    clips = {name: np.stack([[pixels[j] for j in clip] for clip in view.tolist()]) for name, view in views.items()}
    feed = {name: clip.transpose(0, 2, 1, 3, 4)[None] for name, clip in clips.items()}
    (probabilities,) = np.asarray(network.run(["probabilities"], feed)[0]).tolist()
    return sorted(zip(about["classes"], probabilities, strict=True), key=lambda pair: -pair[1])


if __name__ == "__main__":
    for name, probability in predicted(*sys.argv[1:])[:3]:
        print(f"{name} {100 * probability:.1f} %")
