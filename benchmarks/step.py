"""Times a training step of GLAD on R50-I3D against a plain eager one: `python benchmarks/step.py`.

The peer passes each view of each domain through the network as its layers say, on three axes, in single precision
throughout (no TF32), reads the loss before it goes back, clips, and descends with the optimiser as PyTorch has it.
Ours is the step of `glad train`. Both begin from equal weights, and the losses of their first step are asserted equal.

On a CPU a step holds one video of each domain, six clips; the processor's half precision stands beside it, and a matrix
product in the same turns. On a GPU it holds up to sixteen, and there are all combinations of precision and compiling,
what the fastest one takes of the peak of a measured matrix product in bf16, and how long a training from made-up frame
folders waits for data (`--workers`).
"""

import copy
import json
import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from predict import GEMM, PlainR50I3D, clips, network
from sample import made_up
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from turns import Row, Times, arguments, record, take_turns

from glad.augment import Mix
from glad.backbones.r50_i3d import R50I3DConfig
from glad.backbones.tiny import TinyConfig
from glad.batch import Batch, Clips
from glad.methods.base import Method
from glad.methods.glad import GladConfig
from glad.optim import Optim
from glad.process import keep_memory
from glad.recipe import Pair, Recipe, Videos
from glad.training import train
from glad.watch import Watch

CLASSES, SIDE, FRAMES = 12, 224, 8
PEAK = 8192  # side of the square matrices whose product is the peak of a GPU
OPTIM = Optim(lr=1e-6)  # hundreds of steps on one batch lead nowhere
EQUAL = 0.02  # share by which losses may differ: single precision through batch norms over two clips
Step = Callable[[], object]
ONE = (
    "On one thread PyTorch leaves 1x1 convolutions of few pictures to the matrix product of MKL, which on AMD is half "
    "as fast as oneDNN; ours come as pictures enough for oneDNN."
)
SEVERAL = (
    "On several threads all convolutions of both go to oneDNN, which is as fast in either layout: what is won is in "
    "pooling, batch norm and kernels along time, and the rest is at the speed of those kernels."
)


def batch_of(videos: int, side: int, device: torch.device) -> Batch:
    """Return `videos` of each domain, a global and two local clips each."""

    def domain(offset: int) -> Clips:
        pixels = clips(6 * videos, side)[offset * 3 * videos : (offset + 1) * 3 * videos].unflatten(0, (videos, 3))
        views = {"global": pixels[:, :1].contiguous(), "local": pixels[:, 1:].contiguous()}
        times = {name: torch.arange(FRAMES).expand(videos, view.shape[1], -1) for name, view in views.items()}
        return Clips(views, times, torch.arange(videos))

    label = torch.arange(videos) % CLASSES
    return Batch(domain(0), label, domain(1)).map(lambda tensor: tensor.to(device))


def method_on(device: torch.device, quick: bool) -> Method:
    """Return GLAD with its three domain classifiers and its order head: 85 million parameters, fewer to be quick."""
    config = GladConfig(hidden_layers=1, hidden=64) if quick else GladConfig()
    return config.build(network(), CLASSES).to(device).train()


def plain_step(method: Method, batch: Batch) -> Step:
    """Return a step as one writes it first: it reads every number where it has it."""
    optimizer = OPTIM.build(method)

    def step() -> float:
        torch.manual_seed(0)
        loss = method(batch).total
        found = loss.item()
        assert math.isfinite(found)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(method.parameters(), OPTIM.clip_norm)
        assert math.isfinite(norm.item())
        optimizer.step()
        optimizer.zero_grad()
        return found

    return step


def our_step(method: Method, batch: Batch, dtype: torch.dtype | None = None) -> Step:
    """Return the step of `glad train`, under autocast to `dtype` where one is given."""
    device = batch.label.device
    optimizer = OPTIM.build(method, fused=device.type == "cuda")
    watch = Watch(lambda step, losses, lr, waited: "", device, optimizer)

    def step() -> Tensor:
        torch.manual_seed(0)
        with torch.autocast(device.type, dtype) if dtype else nullcontext():
            losses = method(batch)
        losses.total.backward()
        norm = nn.utils.clip_grad_norm_(method.parameters(), OPTIM.clip_norm)
        watch.take(1, losses, norm, OPTIM.lr, 0.0)
        optimizer.step()
        optimizer.zero_grad()
        return losses.total.detach()

    return step


def in_turn(step: Step, device: torch.device, tf32: bool, count: int) -> Step:
    """Return `count` such steps with TF32 or without, to their end; the result is that of the last one."""

    def job() -> object:
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
        found = [step() for _ in range(count)]
        if device.type == "cuda":
            torch.cuda.synchronize()
        return found[-1]

    return job


def flops(step: Step) -> float:
    """Return the floating-point operations of one step, forth and back."""
    with FlopCounterMode(display=False) as counter:
        step()
    return float(counter.get_total_flops())


def same_loss(steps: dict[str, Step]) -> None:
    """Assert that the first step of each, all from equal weights, says the same; half precision may differ more."""
    first = {name: float(step()) for name, step in steps.items()}  # pyright: ignore[reportArgumentType]
    for name, loss in first.items():
        bound = EQUAL if "bf16" not in name else 5 * EQUAL
        assert abs(loss / first["plain"] - 1) < bound, f"{name} says {loss}, plain {first['plain']}"


def on_cpu(options: Any) -> list[Row]:
    """Return the rows of a CPU: with the threads that `glad train` takes beside its two loaders, and with all.

    All variants keep the memory they free, as `glad train` does: the peer gains from that as much as ours.
    """
    keep_memory()
    side = 64 if options.quick else SIDE
    cpu = torch.device("cpu")
    batch = batch_of(1, side, cpu)
    ours = method_on(cpu, options.quick)
    plain = copy.deepcopy(ours)
    plain.backbone = PlainR50I3D(plain.backbone)
    again, half = copy.deepcopy(plain), copy.deepcopy(ours)
    matrix = torch.randn(GEMM, GEMM)
    products = 5 if options.quick else 60
    variants: dict[str, Step] = {
        "plain": plain_step(plain, batch),
        "again": plain_step(again, batch),
        "ours": our_step(ours, batch),
        "ours bf16": our_step(half, batch, torch.bfloat16),
    }
    same_loss(variants)
    counted = flops(variants["ours"])
    variants["product"] = lambda: [matrix @ matrix for _ in range(products)]
    rows, cores = [], torch.get_num_threads()
    beside = max(1, cores - 2)
    for threads in dict.fromkeys((beside, cores)):
        torch.set_num_threads(threads)
        times = take_turns(variants, options.rounds, warm=threads != beside)
        peak = products * 2 * GEMM**3 / times.seconds("product")
        figures: dict[str, float | str] = {
            "s a step": times.seconds("ours"),
            "s a step of the peer": times.seconds("plain"),
            "peer against itself": times.ratio("plain", "again")[0],
            "TFLOP counted": counted / 1e12,
            "GFLOP/s": counted / times.seconds("ours") / 1e9,
            "GFLOP/s of the matrix product": peak / 1e9,
            "s a step in bf16": times.seconds("ours bf16"),
            "bf16: x the peer": times.ratio("plain", "ours bf16")[0],
        }
        rows.append(
            Row(
                f"training step, R50-I3D on a CPU, {threads} thread{'s' if threads > 1 else ''}",
                "plain eager four-forward step",
                times.ratio("plain", "ours"),
                reach=1.2 if threads == beside else None,
                figures=figures,
                note=(ONE if threads == 1 else SEVERAL) + " bf16 is `--precision bf16-mixed`, never the default: it "
                "rounds. The peer, too, keeps the memory it frees, which it would not by itself.",
            )
        )
    torch.set_num_threads(cores)
    return rows


def on_gpu(options: Any) -> list[Row]:
    """Return the rows of a GPU."""
    gpu = torch.device("cuda")
    memory = torch.cuda.get_device_properties(gpu).total_memory / 2**30
    videos = 1 if options.quick else options.videos or max(1, min(16, int(memory // 8)))
    side, count = (64, 1) if options.quick else (SIDE, 5)
    batch = batch_of(videos, side, gpu)
    eager = method_on(gpu, options.quick)
    plain, compiled = copy.deepcopy(eager), copy.deepcopy(eager)
    plain.backbone = PlainR50I3D(plain.backbone)
    last = copy.deepcopy(plain)
    for parameter in last.parameters():
        if parameter.ndim == 5:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
    compiled.backbone.compile(dynamic=False)
    bf16 = torch.bfloat16
    steps: dict[str, tuple[Step, bool]] = {
        "plain": (plain_step(plain, batch), False),
        "plain tf32": (plain_step(plain, batch), True),
        "plain bf16": (our_step(plain, batch, bf16), True),
        "plain bf16 channels last": (our_step(last, batch, bf16), True),
        "ours fp32": (our_step(eager, batch), False),
        "ours tf32": (our_step(eager, batch), True),
        "ours bf16": (our_step(eager, batch, bf16), True),
        "ours fp32 compiled": (our_step(compiled, batch), False),
        "ours tf32 compiled": (our_step(compiled, batch), True),
        "ours bf16 compiled": (our_step(compiled, batch, bf16), True),
    }
    first = {"plain": plain_step(copy.deepcopy(plain), batch), "ours": our_step(copy.deepcopy(eager), batch)}
    same_loss({name: in_turn(step, gpu, False, 1) for name, step in first.items()})
    del first
    counted = flops(steps["ours fp32"][0])
    figures: dict[str, float | str] = {"videos of each domain": videos, "TFLOP counted": counted / 1e12}
    for name, (step, tf32) in steps.items():
        job = in_turn(step, gpu, tf32, 2)
        job()  # compiles
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        job()
        figures[f"{name}: GiB above weights"] = (torch.cuda.max_memory_allocated() - before) / 2**30
    square = torch.randn(PEAK // (8 if options.quick else 1), PEAK, device=gpu, dtype=bf16)
    jobs = {name: in_turn(step, gpu, tf32, count) for name, (step, tf32) in steps.items()}
    jobs["product"] = in_turn(lambda: square @ square.T, gpu, True, 20)
    taken = take_turns(jobs, options.rounds)
    times = Times(taken.wall, taken.wall)  # the processor's time says nothing of a GPU
    for name in steps:
        seconds = times.seconds(name) / count
        figures[f"{name}: ms a step"] = 1000 * seconds
        figures[f"{name}: videos/s of each domain"] = videos / seconds
        figures[f"{name}: x the peer"] = times.ratio("plain", name)[0]
    fastest = min((name for name in steps if name.startswith("ours")), key=times.seconds)
    figures["fastest"] = fastest
    figures["% of the time the GPU is at work"] = at_work(jobs[fastest])
    peak = 20 * 2 * square.shape[0] ** 2 * PEAK / times.seconds("product")
    figures["TFLOP/s of the matrix product"] = peak / 1e12
    step_row = Row(
        "training step, R50-I3D on a GPU",
        "plain eager fp32 step",
        times.ratio("plain", fastest),
        reach=4.0,
        floor="the operations counted, at the speed of a large matrix product in bf16",
        share=counted / peak / (times.seconds(fastest) / count),
        figures=figures,
    )
    del jobs, steps, eager, plain, last, compiled
    torch.cuda.empty_cache()
    return [step_row, waits(options, videos)]


def at_work(job: Step) -> float | str:
    """Return the share of a few seconds of `job`, in percent, in which nvidia-smi found the GPU at work."""
    if shutil.which("nvidia-smi") is None:
        return "nvidia-smi is absent"
    query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200"]
    with subprocess.Popen(query, stdout=subprocess.PIPE, text=True) as asked:
        for _ in range(5):
            job()
        asked.terminate()
        said = [int(line) for line in (asked.stdout or []) if line.strip().isdigit()]
    busy = said[len(said) // 2 :]  # the first ones look back to before
    return sum(busy) / len(busy) if busy else "nvidia-smi said nothing"


def waits(options: Any, videos: int) -> Row:
    """Return the share of a training from made-up frame folders that is not spent waiting for data."""
    workers = options.workers or len(os.sched_getaffinity(0))
    steps = 20 if options.quick else 60
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        listing = made_up(root, 2 * videos, 16 if options.quick else 150, (96, 72) if options.quick else (340, 256))
        videos_listed = Videos(list=root / "list.txt", root=root / "frames")
        names = tuple(f"class {number}" for number in range(len(listing)))
        data = Pair(
            classes=names,
            source=videos_listed,
            target=videos_listed,
            test=videos_listed,
            backgrounds=root / "backgrounds",
        )
        recipe = Recipe(
            name="step",
            data=data,
            mix=Mix(),
            backbone=TinyConfig() if options.quick else R50I3DConfig(),
            method=GladConfig(),
            batch_size=videos,
            steps=steps,
            precision="32-true" if options.quick else "bf16-mixed",
        )
        run = train(recipe, root / "run", workers=workers)
        lines = [json.loads(line) for line in run.log.read_text(encoding="utf-8").splitlines()][1:]
    waited = sum(line["data_wait"] for line in lines) / len(lines)
    return Row(
        "a training step that does not wait for data",
        floor="a step whose batch is there",
        share=1 - waited,
        share_reach=0.95,
        figures={
            "loaders": workers,
            "s a step": sum(line["seconds_per_step"] for line in lines) / len(lines),
            "videos of each domain": videos,
        },
    )


def main() -> None:
    options = arguments(__doc__ or "", workers=0, videos=0)
    if torch.cuda.is_available():
        rows = on_gpu(options)
    else:
        options.rounds = min(options.rounds, 3)  # a round is half a minute
        rows = [*on_cpu(options), *([waits(options, 2)] if options.quick else [])]
    record("step", rows, quick=options.quick)


if __name__ == "__main__":
    main()
