"""The command that builds a benchmark's lists from the datasets on disk."""

import shlex
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg


def prepare_lists(
    benchmark: Annotated[str, Positional, arg(metavar="BENCHMARK")],
    out: Path,
    source: Path | None = None,
    target: Path | None = None,
    annotations: tuple[Path, ...] = (),
    classmap: Path | None = None,
    compare: tuple[Path, ...] = (),
) -> None:
    """Build the lists of a benchmark from the datasets' own folders and official annotation files.

    Args:
        benchmark: ucf-hmdb, kinetics-babel, kinetics-necdrone, epic-d1-d2, daily-hmdb-arid, sports-ucf-kinetics,
            jester and more; docs/benchmarks.md has all, and what each expects.
        out: folder for the lists, `classes.txt`, `missing.txt`, `pair.py` and `manifest.json`.
        source: folder of the source dataset.
        target: folder of the target dataset; BABEL's rows come from its annotations, and are looked for here if given.
        annotations: official annotation files, or folders of them.
        classmap: CSV `side,raw,class`, for a benchmark whose class table is not known to us.
        compare: lists at hand, to say how far the rebuilt ones agree.
    """
    from glad.datasets.benchmarks import benchmark_named
    from glad.datasets.classmap import read_class_map
    from glad.datasets.lists import build, check_place, compared

    found = benchmark_named(benchmark)
    check_place(out, compare)
    built = build(found, source, target, annotations, out, None if classmap is None else read_class_map(classmap))
    print(built.text())
    for file in compare:
        name, match = compared(built, file, out)
        print(f"{file} and {name}: {match.text()}; which: {out / f'compare-{file.stem}.txt'}")
    missing = sum(map(len, built.missing.values()))
    print(f"{len(built.lists)} lists in {out}; {missing} missing, by name in {out / 'missing.txt'}")
    if built.whole:
        from glad.inputs import background_command
        from glad.recipe import Videos

        videos = Videos(list=built.lists["source train"], root=built.roots["source"])
        stills = (out / "backgrounds").resolve()
        print(f"\n{background_command(videos, stills)}")
        print(f"glad train own-glad {built.flags()} {shlex.join(['--data.backgrounds', str(stills)])}")
        print(f"\nthat is a small network, to see that it runs; for a recipe of your own: {out / 'pair.py'}")
