"""How public files name the tensors of our backbones, and how their names become ours.

The layouts differ from ours in names, DeepMind's also in the order of a kernel's axes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from glad.errors import UserError

State = dict[str, Tensor]

DEEPMIND_SCOPE = "RGB/inception_i3d/"

MMACTION_NAMES = (
    (r"\bconv(\d)\.conv(?:\.net)?\.weight$", r"conv\1.weight"),
    (r"\bconv(\d)\.bn\.", r"bn\1."),
    (r"\bdownsample\.conv\.", "downsample.0."),
    (r"\bdownsample\.bn\.", "downsample.1."),
    (r"\bnon_local_block\.(g|phi)\.0\.conv\.", r"non_local.\1."),
    (r"\bnon_local_block\.theta\.conv\.", "non_local.theta."),
    (r"\bnon_local_block\.conv_out\.conv\.", "non_local.out."),
    (r"\bnon_local_block\.conv_out\.bn\.", "non_local.norm."),
)
MIT_NAMES = ((r"\bconv1\.net\.weight$", "conv1.weight"),)
PYTORCH_I3D_NAMES = (
    (r"^Conv3d_(\d[a-c])_\dx\d\.", r"conv_\1."),
    (r"^Mixed_", "mixed_"),
    (r"\.conv3d\.weight$", ".conv.weight"),
)
# Of branches 1 and 2 the 1x1x1 comes first: the other is "0b" everywhere but in branch 2 of Mixed_5b, where it is "0a".
DEEPMIND_NAMES = (
    (rf"^{DEEPMIND_SCOPE}", ""),
    (r":0$", ""),
    (r"^Conv3d_(\d[a-c])_\dx\d/", r"conv_\1."),
    (r"^Mixed_(\d[a-f])/Branch_0/Conv3d_0a_1x1/", r"mixed_\1.b0."),
    (r"^Mixed_(\d[a-f])/Branch_3/Conv3d_0b_1x1/", r"mixed_\1.b3b."),
    (r"^Mixed_(\d[a-f])/Branch_([12])/Conv3d_0a_1x1/", r"mixed_\1.b\2a."),
    (r"^Mixed_(\d[a-f])/Branch_([12])/Conv3d_0[ab]_3x3/", r"mixed_\1.b\2b."),
    (r"\.conv_3d/w$", ".conv.weight"),
    (r"\.batch_norm/beta$", ".bn.bias"),
    (r"\.batch_norm/moving_mean$", ".bn.running_mean"),
    (r"\.batch_norm/moving_variance$", ".bn.running_var"),
)


@dataclass(frozen=True)
class Layout:
    """A way to name a backbone's tensors. Both functions take them without prefix and without head."""

    name: str
    recognises: Callable[[State], bool]
    converted: Callable[[State], State]


def from_mmaction(state: State) -> State:
    """Return R50-I3D or TSM weights under our names; mmaction2's are `conv1.conv.weight`, `conv1.bn.weight`."""
    return renamed(state, MMACTION_NAMES)


def from_mit(state: State) -> State:
    """Return TSM weights under our names; the TSM authors write `layer1.0.conv1.net.weight`, else as we do."""
    return renamed(state, MIT_NAMES)


def from_pytorch_i3d(state: State) -> State:
    """Return Inception-I3D weights under our names; pytorch-i3d's are `Conv3d_1a_7x7.conv3d.weight`."""
    return renamed(state, PYTORCH_I3D_NAMES)


def from_deepmind(state: State) -> State:
    """Return Inception-I3D weights under our names; DeepMind's are `RGB/inception_i3d/Conv3d_1a_7x7/conv_3d/w`.

    Kernels (t, h, w, in, out) become (out, in, t, h, w); batch norm's values (1, 1, 1, 1, c) become (c,), and its
    weight, which that network does not have, 1.
    """
    result = renamed(state, DEEPMIND_NAMES)
    for name, value in list(result.items()):
        if name.endswith(".conv.weight"):
            result[name] = value.permute(4, 3, 0, 1, 2).contiguous() if value.ndim == 5 else value
        elif value.ndim == 5:
            result[name] = value.flatten()
        if name.endswith(".bn.bias"):
            result[name.removesuffix("bias") + "weight"] = torch.ones_like(result[name])
    return result


def renamed(state: State, rules: tuple[tuple[str, str], ...]) -> State:
    """Return the tensors with each (pattern, replacement) applied to every name; two under one name: `UserError`."""
    result: State = {}
    for name, value in state.items():
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)
        if name in result:
            raise UserError(f"two of its tensors are both '{name}'")
        result[name] = value
    return result


def shaped(name: str, *shape: int) -> Callable[[State], bool]:
    """Return the question whether a state holds `name` in `shape`."""
    return lambda state: name in state and state[name].shape == shape


# The first that recognises a file reads it; the last recognises all. The three before it change nothing either: they
# are there to say which network a refused file is of.
LAYOUTS = (
    Layout("mmaction2 TSM", lambda state: any(".conv.net." in name for name in state), from_mmaction),
    Layout("mmaction2 I3D", lambda state: "conv1.conv.weight" in state, from_mmaction),
    Layout("mit-han-lab TSM", lambda state: any(".conv1.net." in name for name in state), from_mit),
    Layout("pytorch-i3d Inception-I3D", lambda state: any(".conv3d." in name for name in state), from_pytorch_i3d),
    Layout("DeepMind Inception-I3D", lambda state: any("/conv_3d/" in name for name in state), from_deepmind),
    Layout("R50-I3D under our own names", shaped("layer4.1.conv1.weight", 512, 2048, 3, 1, 1), dict),
    Layout("TSM or an image ResNet-50", shaped("layer4.1.conv1.weight", 512, 2048, 1, 1), dict),
    Layout("Inception-I3D under our own names", shaped("mixed_5c.b0.conv.weight", 384, 832, 1, 1, 1), dict),
    Layout("weights under our own names", lambda state: True, dict),
)
