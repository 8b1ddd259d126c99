# %% [markdown]
# # Reading a gap report
#
# How far apart are two domains, and in what? `glad gaps` measures the three gaps of the paper's Table 1; this file does
# the same from Python, number by number. Run it cell by cell in an editor that knows `# %%`, or whole:
# `python examples/gap_report.py SOURCE TARGET OUT`, both folders of class folders of videos.

# %%
import sys
from pathlib import Path

import glad
from glad.gaptable import sentences
from glad.scenes import HistogramConfig
from glad.table1 import domain_of, gaps_of


# %%
def main(source_folder: Path, target_folder: Path, out: Path) -> None:
    source = domain_of(glad.open_listing(source_folder, labelled=True), "source")
    target = domain_of(glad.open_listing(target_folder, labelled=True), "target")
    found = gaps_of(source, target, encoder=HistogramConfig(frames=4), bank=out / "scenes")

    # Length (Eq. 2). Where one domain's videos are much shorter, a clip of a fixed span sees another share of the
    # action: the case for global beside local views. Kinetics to BABEL has 182 frames.
    print(f"temporal gap: {found['temporal']['value']:.1f} frames")

    # Scenes (Eq. 1). Without the Places365 network a histogram of colours and edges stands in for it and is named as
    # such: compare it with other measurements by the same encoder, and with nothing else.
    print("scenes:", {name: value for name, value in found["scenes"].items() if isinstance(value, int | float | str)})

    # Classes. What one domain has and the other lacks cannot be aligned away; a class that is frequent here and rare
    # there is pulled to others by any method that makes the domains alike as a whole.
    print("classes:", {name: value for name, value in found["classes"].items() if isinstance(value, int | float)})

    # Accuracy takes two scored runs, one on the source alone and one with the target's labels: gaps_of(runs=(a, b)).
    print("\n".join(sentences(found)))


# %%
if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit("usage: python examples/gap_report.py SOURCE TARGET OUT")
    main(*map(Path, sys.argv[1:4]))
