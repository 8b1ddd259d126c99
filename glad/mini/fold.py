"""Makes the weights that `mini` starts from out of a run of `mini-init`: `python -m glad.mini.fold RUN FILE`."""

import sys
from pathlib import Path

from safetensors.torch import save_file

from glad.backbones.small import fold
from glad.files import atomic
from glad.run import Run


def write_folded(run: Run, path: Path) -> None:
    """Write the backbone of `run`, batch norms folded into its convolutions, as safetensors."""
    with atomic(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in fold(run.child_state("backbone")).items()}, temporary)


if __name__ == "__main__":
    write_folded(Run(Path(sys.argv[1])), Path(sys.argv[2]))
