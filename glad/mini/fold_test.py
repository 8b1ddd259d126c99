import torch
from safetensors.torch import load_file

from glad.backbones.small import SmallConfig
from glad.mini.fold import write_folded
from glad.run import Run


def test_folded_weights_compute_what_the_run_s_backbone_computes(tmp_path):
    trained = SmallConfig(norm="batch").build()
    pixels = torch.randint(0, 256, (2, 3, 4, 32, 32), dtype=torch.uint8)
    for _ in range(3):
        trained(pixels)  # moves the running statistics
    run = Run(tmp_path)
    run.save({"method": {f"backbone.{name}": t for name, t in trained.state_dict().items()}, "step": 0})
    write_folded(run, tmp_path / "init.safetensors")
    folded = SmallConfig().build()
    folded.load_state_dict(load_file(tmp_path / "init.safetensors"))
    torch.testing.assert_close(folded.eval()(pixels), trained.eval()(pixels), rtol=1e-4, atol=1e-5)
