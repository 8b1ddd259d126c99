"""Times R50-I3D on the engines `glad predict` chooses from against PyTorch as it comes: `python benchmarks/predict.py`.

The peer is the network as its layers say, each on three axes, in eager PyTorch. Ours is what `glad predict` runs, on
the engine it chooses here; the others stand beside it. All see the three clips of one video at once and use the
threads PyTorch would use. A large matrix product in the same turns is a yardstick, and no floor: kernels that count
fewer operations than the layers name go below it.
"""

from time import perf_counter
from typing import get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from turns import Row, arguments, record, take_turns

from glad.backbones.r50_i3d import R50I3D, Bottleneck, NonLocal, R50I3DConfig
from glad.fast import CLOSE, Backend, Faster, chosen, missing
from glad.methods.heads import ActionClassifier, consensus, pooled

CLIPS, FRAMES, SIDE = 3, 8, 224  # of one video
CLASSES = 400
SPREAD = 4.0  # of scores, their standard deviation: the likeliest class then has about half of the probability
APART = 1e-4  # how far a probability may be from the peer's
GEMM = 1024  # side of the square matrices


class PlainR50I3D(nn.Module):
    """The network with every layer called as it is: the peer. It has the weights of the one it is made of."""

    def __init__(self, network: R50I3D) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        network = self.network
        x = F.relu(network.bn1(network.conv1(network.normalize(pixels))))
        x = F.max_pool3d(x, (1, 3, 3), 2, (0, 1, 1))
        for name in ("layer1", "layer2", "layer3", "layer4"):
            for block in network.get_submodule(name).children():
                x = bottleneck(block, x)  # pyright: ignore[reportArgumentType]
            x = F.max_pool3d(x, (2, 1, 1)) if name == "layer1" else x
        return x


def bottleneck(block: Bottleneck, x: Tensor) -> Tensor:
    """Return what a block makes of x (b, c, t, h, w)."""
    y = F.relu(block.bn1(conv(block.conv1, x)))
    y = F.relu(block.bn2(conv(block.conv2, y)))
    y = block.bn3(conv(block.conv3, y))
    y = F.relu(y + (x if block.downsample is None else block.downsample[1](conv(block.downsample[0], x))))
    return y if block.non_local is None else non_local(block.non_local, y)


def non_local(block: NonLocal, x: Tensor) -> Tensor:
    """Return x with what every place hears from all others."""
    query = conv(block.theta, x).flatten(2)
    key, value = (F.max_pool3d(conv(layer, x), (1, 2, 2)).flatten(2) for layer in (block.phi, block.g))
    weights = torch.matmul(query.transpose(1, 2), key) / key.shape[2]
    mixed = torch.matmul(weights, value.transpose(1, 2)).transpose(1, 2)
    return x + block.norm(conv(block.out, mixed.unflatten(2, x.shape[2:])))


def conv(layer: nn.Module, x: Tensor) -> Tensor:
    """Return the convolution of x on three axes."""
    assert isinstance(layer, nn.Conv3d)
    return F.conv3d(x, layer.weight, layer.bias, layer.stride, layer.padding)


def network() -> R50I3D:
    """Return R50-I3D with random weights and made-up statistics, its non-local blocks alive."""
    torch.manual_seed(0)
    backbone = R50I3DConfig().build().eval()
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm3d):
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.uniform_(module.running_var, 0.8, 1.5)  # pyright: ignore[reportArgumentType]
    return backbone


def clips(number: int, side: int) -> Tensor:
    """Return clips (number, 3, t, side, side) of smooth noise that moves."""
    rng = torch.Generator().manual_seed(1)
    coarse = torch.rand((number, 3, FRAMES, 8, 8), generator=rng)
    return (255 * F.interpolate(coarse, (FRAMES, side, side), mode="trilinear")).to(torch.uint8)


def probabilities(classifier: ActionClassifier, maps: Tensor) -> Tensor:
    """Return what the classifier of a method makes of the maps of all clips of one video: (1, k)."""
    return classifier(consensus({"clips": pooled(maps[None])})).softmax(dim=1)


def sure_classifier(maps: Tensor) -> ActionClassifier:
    """Return GLAD's classifier with weights that set the scores of these maps `SPREAD` apart, as training does."""
    classifier = ActionClassifier(maps.shape[1], CLASSES).eval()
    scores = classifier(consensus({"clips": pooled(maps[None])}))
    classifier.linear.weight.mul_(SPREAD / scores.std())
    return classifier


def main() -> None:
    options = arguments(__doc__ or "")
    side = 64 if options.quick else SIDE
    pixels = clips(CLIPS, side)
    ours = network()
    plain = PlainR50I3D(ours)
    matrix = torch.randn(GEMM, GEMM)
    with torch.inference_mode():
        expected = plain(pixels)
        classifier = sure_classifier(expected)
        told = probabilities(classifier, expected)
        variants = {"plain": lambda: plain(pixels), "again": lambda: plain(pixels), "eager": lambda: ours(pixels)}
        figures: dict[str, float | str] = {}
        absent: list[str] = []
        engines: dict[str, nn.Module] = {"eager": ours}
        for name in get_args(Backend):
            if name in ("auto", "eager") or (name == "compile" and options.quick):
                continue
            if lacking := missing(name):
                absent.append(f"{name} is absent ({lacking})")
                continue
            engine = Faster(ours, 10**9, name)
            start = perf_counter()
            engine(pixels)
            figures[f"{name}: s to start"] = perf_counter() - start
            assert engine.name == name, f"{name} gave up"
            engines[name] = engine
            variants[name] = lambda engine=engine: engine(pixels)
        for name, engine in engines.items():
            maps = engine(pixels)
            difference = ((maps - expected).abs().max() / expected.abs().max()).item()
            assert difference <= CLOSE, f"{name} is {difference} off"
            figures[f"{name}: largest difference of a map, as a share of its largest value"] = difference
            difference = (probabilities(classifier, maps) - told).abs().max().item()
            assert difference <= APART, f"a probability of {name} is {difference} off"
            figures[f"{name}: largest difference of a probability"] = difference
        variants["gemm"] = lambda: [matrix @ matrix for _ in range(5 if options.quick else 40)]
        times = take_turns(variants, options.rounds)

    figures["largest probability"] = told.max().item()
    best = chosen("auto", torch.device("cpu"))
    best = best if best in engines else "eager"
    for name in engines:
        figures[f"{name}: s a clip"] = times.seconds(name) / CLIPS
        if name != best:
            figures[f"{name}: x the peer"] = times.ratio("plain", name)[0]
    figures["peer: s a clip"] = times.seconds("plain") / CLIPS
    figures["peer against itself"] = times.ratio("plain", "again")[0]
    figures[f"{best}: x PyTorch on our R50-I3D"] = times.ratio("eager", best)[0]
    figures["matrix product: GFLOP/s"] = (5 if options.quick else 40) * 2 * GEMM**3 / times.seconds("gemm") / 1e9
    figures["threads"] = str(torch.get_num_threads())
    note = f"`glad predict` chooses {best} here, on a CPU, for enough videos to earn its start."
    row = Row(
        "`glad predict`, R50-I3D on a CPU",
        "PyTorch eager, every layer on three axes",
        times.ratio("plain", best),
        reach=2.0,
        figures=figures,
        note=" ".join([note, *(f"{text}." for text in absent)]),
    )
    record("predict", [row], quick=options.quick)


if __name__ == "__main__":
    main()
