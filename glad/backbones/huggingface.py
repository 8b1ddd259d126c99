"""Video transformers of Hugging Face as backbones: their tokens, laid out in time and space again.

The library `transformers` is imported when such a backbone is built and not before; it comes with the extra `hf`.
"""

import dataclasses
import difflib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from pydantic import model_validator
from torch import Tensor, nn

from glad.backbones.pixels import IMAGENET_MEAN, IMAGENET_STD, Normalize
from glad.errors import UserError
from glad.part import Part

Colour = tuple[float, float, float]  # of red, green and blue


@dataclasses.dataclass(frozen=True)
class Tokens:
    """How a kind of network orders its tokens: `extra` that are no place first, then all places of the clip.

    Places run through time, height, width; with `time_last` through height, width, time. `options` go to its
    constructor: ViViT's head on its class token is left out.
    """

    extra: int
    time_last: bool = False
    options: tuple[tuple[str, Any], ...] = ()


KINDS = {
    "timesformer": Tokens(extra=1, time_last=True),
    "videomae": Tokens(extra=0),
    "vivit": Tokens(extra=1, options=(("add_pooling_layer", False),)),
}


class HuggingFaceConfig(Part):
    """A video transformer of Hugging Face as a value: VideoMAE, ViViT or TimeSformer.

    Attributes:
        model: name on the hub, such as `MCG-NJU/videomae-base`, or a folder that `save_pretrained` wrote. None draws
            the weights at random.
        config: settings of the network as a JSON object. They replace those of `model`; without `model` they must
            hold `model_type`, and what they leave out is the library's default.
        mean: of pixels in [0, 1], given with `std` or not at all. None takes both from the model's
            `preprocessor_config.json`, and ImageNet's where there is no such file.
        std: deviation of pixels in [0, 1].
    """

    model: str | None = None
    config: str = "{}"
    mean: Colour | None = None
    std: Colour | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        settings = self.settings()
        if self.model is None and "model_type" not in settings:
            raise UserError(
                "a Hugging Face backbone needs `model`, a name on the hub or a folder, or a `config` with a "
                f"'model_type' ({', '.join(KINDS)})"
            )
        if (self.mean is None) != (self.std is None):
            raise UserError("a Hugging Face backbone takes `mean` and `std` together or neither")
        return self

    def settings(self) -> dict[str, Any]:
        """Return `config` as a dictionary."""
        try:
            found = json.loads(self.config)
        except json.JSONDecodeError as error:
            raise UserError(f"the `config` of a Hugging Face backbone is no JSON ({error}): {self.config}") from None
        if not isinstance(found, dict):
            raise UserError(f"the `config` of a Hugging Face backbone must be a JSON object, not {self.config}")
        return found

    def build(self) -> "HuggingFace":
        """Return the network with the weights of `model`, or random ones; a model on the hub is downloaded once.

        `UserError` where the library is missing, the model cannot be had, is of another kind, or lacks weights.
        """
        transformers = library()
        config = network_config(transformers, self.model, self.settings())
        network = with_weights(transformers, self.model, config)
        mean, std = self.mean, self.std
        if mean is None or std is None:
            mean, std = published_constants(self.model)
        else:
            mean, std = scaled(mean, 255), scaled(std, 255)
        return HuggingFace(network, config, mean, std, self.model or f"this {config.model_type}")


class HuggingFace(nn.Module):
    """A video transformer as a map: `width` is the network's hidden size.

    Pixels (b, 3, t, h, w), RGB, uint8 or float in [0, 255], with t, h and w exactly those of the network (`UserError`
    otherwise) -> map (b, width, t', h', w'), one place for every tubelet (VideoMAE, ViViT) or patch of a frame
    (TimeSformer): VideoMAE-base makes (768, 8, 14, 14) of 16 frames of 224x224. A class token is dropped.

    The map is the network's last hidden state, its final norm included where it has one (a VideoMAE that was
    fine-tuned has it in its head, after the mean, and so not here).
    """

    def __init__(self, network: nn.Module, config: Any, mean: Colour, std: Colour, name: str) -> None:
        super().__init__()
        self.width: int = config.hidden_size
        self.normalize = Normalize(mean, std)
        self.network = network.train()
        self.name = name
        self.clip, patch = clip_and_patch(config)
        self.grid = tuple(n // p for n, p in zip(self.clip, patch, strict=True))
        self.tokens = KINDS[config.model_type]

    def forward(self, pixels: Tensor) -> Tensor:
        found = tuple(pixels.shape[2:])
        if found != self.clip:
            (t, h, w), (frames, height, width) = self.clip, found
            raise UserError(
                f"{self.name} takes clips of {t} frames of {h}x{w} pixels, not {frames} frames of {height}x{width}; "
                f"set the frames of the views and the size of the pixels to match it"
            )
        states = self.network(self.normalize(pixels).transpose(1, 2)).last_hidden_state
        places = states[:, self.tokens.extra :].transpose(1, 2)  # (b, width, places)
        t, h, w = self.grid
        if self.tokens.time_last:
            return places.unflatten(2, (h, w, t)).permute(0, 1, 4, 2, 3)
        return places.unflatten(2, (t, h, w))


def library() -> Any:
    """Return the module `transformers`; a `UserError` that says how to install it where it is missing."""
    try:
        import transformers
    except ImportError as error:
        raise UserError(
            f"a Hugging Face backbone needs the library transformers ({error}); install it with: "
            f"pip install 'glad[hf]', which is pip install 'transformers>=5,<6'"
        ) from error
    return transformers


def network_config(transformers: Any, model: str | None, settings: dict[str, Any]) -> Any:
    """Return the configuration object of `model`, or of the kind that `settings` name, with `settings` put in."""
    settings = dict(settings)
    kind = settings.pop("model_type", None)
    name = model or "`config`"
    if model is not None:
        if model.startswith(("/", ".", "~")) and not Path(model).is_dir():
            raise UserError(f"{model}: there is no such folder; a Hugging Face model is a folder or a name on the hub")
        with in_one_sentence(model):
            config = transformers.AutoConfig.from_pretrained(model)
        if kind not in (None, config.model_type):
            raise UserError(f"{model} is of the kind '{config.model_type}', but `config` says '{kind}'; leave it out")
        kind = config.model_type
    if kind not in KINDS:
        raise UserError(f"{name}: a network of the kind '{kind}' is no backbone here; known kinds: {', '.join(KINDS)}")
    known = [field.name for field in dataclasses.fields(transformers.AutoConfig.for_model(kind))]
    for key in settings:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise UserError(f"`config`: {kind} has no setting '{key}'{hint}")
    with in_one_sentence(name):
        if model is None:
            config = transformers.AutoConfig.for_model(kind, **settings)
        else:
            config = transformers.AutoConfig.from_pretrained(model, **settings)
    if getattr(config, "attention_type", None) == "space_only":
        raise UserError(f"{name}: a TimeSformer of the type 'space_only' has no tokens of clips; choose another type")
    return config


def with_weights(transformers: Any, model: str | None, config: Any) -> nn.Module:
    """Return the network without any head, in float32; `UserError` where `model` lacks a weight or has another shape.

    The library itself reports what a file holds beyond the network, such as the head of a fine-tuned model.
    """
    options = dict(KINDS[config.model_type].options)
    if model is None:
        with in_one_sentence("`config`"):
            return transformers.AutoModel.from_config(config, dtype="float32", **options)
    with in_one_sentence(model):
        network, report = transformers.AutoModel.from_pretrained(
            model, config=config, dtype="float32", output_loading_info=True, ignore_mismatched_sizes=True, **options
        )
    problems = [f"{name} is missing" for name in sorted(report["missing_keys"])]
    for name, theirs, ours in sorted(report["mismatched_keys"]):
        problems.append(f"{name} is {tuple(theirs)} instead of {tuple(ours)}")
    if problems:
        raise UserError(
            f"{model}: {len(problems)} weights of its {config.model_type} would stay random, since {problems[0]}; "
            f"choose a complete model, and no `config` that changes the shape of its weights"
        )
    return network


@contextmanager
def in_one_sentence(name: str) -> Iterator[None]:
    """Turn what the library raises about `name` into a `UserError` with the first paragraph of it."""
    try:
        yield
    except Exception as error:  # of a dozen classes: the file system, the network, the hub, bad settings
        first = " ".join(str(error).split("\n\n")[0].split())
        raise UserError(f"{name}: transformers cannot make a network of it: {first}") from error


def clip_and_patch(config: Any) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return (frames, height, width) of the clips a network takes, and of what becomes one token."""
    size = config.image_size
    height, width = (size, size) if isinstance(size, int) else size
    clip = (config.num_frames, height, width)
    tubelet = getattr(config, "tubelet_size", 1)
    if not isinstance(tubelet, int):
        return clip, tuple(tubelet)
    patch = config.patch_size
    return clip, (tubelet, patch, patch) if isinstance(patch, int) else (tubelet, *patch)


def published_constants(model: str | None) -> tuple[Colour, Colour]:
    """Return mean and deviation of pixels in [0, 255] as `model` publishes them, ImageNet's where it does not."""
    if model is None:
        return IMAGENET_MEAN, IMAGENET_STD
    from transformers.utils.hub import cached_file

    for name in ("preprocessor_config.json", "video_preprocessor_config.json"):
        with in_one_sentence(model):
            path = cached_file(model, name, _raise_exceptions_for_missing_entries=False)
        if path is not None:
            return constants_of(json.loads(Path(path).read_text(encoding="utf-8")), f"{model}/{name}")
    return IMAGENET_MEAN, IMAGENET_STD


def constants_of(settings: dict[str, Any], origin: str) -> tuple[Colour, Colour]:
    """Return mean and deviation of pixels in [0, 255] for the settings of a published preprocessor.

    It scales pixels (by 1/255 unless it says otherwise), subtracts 1 with `offset` (ViViT), then takes off
    `image_mean` and divides by `image_std`: (scale x - offset - mean) / std.
    """
    scale = settings.get("rescale_factor", 1 / 255) if settings.get("do_rescale", True) else 1.0
    offset = 1.0 if settings.get("offset", False) else 0.0
    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if settings.get("do_normalize", True):
        if "image_mean" not in settings or "image_std" not in settings:
            raise UserError(f"{origin}: names no image_mean and image_std; set `mean` and `std` of the backbone")
        mean, std = settings["image_mean"], settings["image_std"]
    return scaled(tuple(m + offset for m in mean), 1 / scale), scaled(tuple(std), 1 / scale)


def scaled(colour: tuple[float, ...], factor: float) -> Colour:
    """Return the three numbers times `factor`."""
    red, green, blue = (value * factor for value in colour)
    return red, green, blue
