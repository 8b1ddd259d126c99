import torch

from glad.backbones.pixels import IMAGENET_MEAN, IMAGENET_STD, Normalize


def test_known_values_per_channel():
    normalize = Normalize(mean=(0.0, 100.0, 255.0), std=(1.0, 50.0, 5.0))
    pixels = torch.full((1, 3, 1, 1, 1), 200, dtype=torch.uint8)
    assert normalize(pixels).flatten().tolist() == [200.0, 2.0, -11.0]


def test_uint8_and_float_pixels_give_the_same_numbers_and_the_original_is_recovered():
    normalize = Normalize(IMAGENET_MEAN, IMAGENET_STD)
    pixels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 1, 16, 16).expand(2, 3, 4, 16, 16)
    output = normalize(pixels)
    assert output.shape == pixels.shape and output.dtype == torch.float32
    assert torch.equal(output, normalize(pixels.float()))
    assert torch.allclose(output * normalize.std + normalize.mean, pixels.float(), atol=1e-4)


def test_the_constants_follow_the_precision_and_stay_out_of_checkpoints():
    normalize = Normalize(IMAGENET_MEAN, IMAGENET_STD)
    assert normalize.state_dict() == {}
    assert normalize.double()(torch.zeros(1, 3, 1, 2, 2, dtype=torch.uint8)).dtype == torch.float64
