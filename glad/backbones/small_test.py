import pytest
import torch

from glad.backbones.small import Small, SmallConfig, fold, time_shifted

torch.manual_seed(0)


def pixels(b: int = 2, t: int = 4, side: int = 32) -> torch.Tensor:
    return torch.randint(0, 256, (b, 3, t, side, side), dtype=torch.uint8, generator=torch.manual_seed(1))


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_map_has_the_promised_shape_and_size(norm):
    network = SmallConfig(norm=norm).build().eval()
    assert network(pixels(t=3)).shape == (2, network.width, 3, 2, 2)
    assert network(pixels(side=64)).shape == (2, 64, 4, 4, 4)
    assert 38_000 < sum(p.numel() for p in network.parameters()) < 38_500


def test_folded_network_computes_the_same():
    network = Small("batch")
    for _ in range(3):  # move the running statistics away from 0 and 1
        network(pixels(b=4))
    network.eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
    folded = Small("none")
    folded.load_state_dict(fold(network.state_dict()))
    torch.testing.assert_close(folded(pixels()), network(pixels()), atol=1e-5, rtol=1e-5)


def test_without_norm_videos_of_a_batch_never_meet():
    network = Small("none").train()
    torch.testing.assert_close(network(pixels())[:1], network(pixels()[:1]))


def test_shift_moves_a_quarter_each_way_and_never_between_clips():
    x = torch.arange(1.0, 7.0).reshape(6, 1, 1, 1).expand(6, 4, 1, 1)  # two clips of three frames, four channels
    moved = time_shifted(x, 3).flatten(1)
    assert moved[:, 0].tolist() == [0, 1, 2, 0, 4, 5]
    assert moved[:, 1].tolist() == [2, 3, 0, 5, 6, 0]
    assert moved[:, 2:].tolist() == [[v, v] for v in (1, 2, 3, 4, 5, 6)]


def test_pixels_may_be_bytes_or_floats():
    network = Small("none")
    torch.testing.assert_close(network(pixels()), network(pixels().float()))


def test_a_still_clip_and_a_moving_one_differ_only_through_time():
    network = Small("none").eval()
    still = pixels()[:, :, :1].expand(-1, -1, 5, -1, -1)
    maps = network(still)
    # Four shifts: zeros from beyond the ends reach four frames in; the middle of nine is untouched.
    assert not torch.allclose(maps[:, :, 0], maps[:, :, 2])
    long = network(pixels()[:, :, :1].expand(-1, -1, 11, -1, -1))
    torch.testing.assert_close(long[:, :, 5], long[:, :, 6])
