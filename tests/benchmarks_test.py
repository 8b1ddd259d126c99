"""Every benchmark runs: at small sizes, for one round, with all that it asserts on the way."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted(path for path in FOLDER.glob("*.py") if path.stem not in {"turns", "table"})

sys.path.insert(0, str(FOLDER))
from table import cells, table  # noqa: E402
from turns import Row, Times, as_text, take_turns  # noqa: E402


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_it_runs(script: Path, tmp_path: Path):
    done = subprocess.run(
        [sys.executable, script, "--quick"], capture_output=True, text=True, timeout=300, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "x of" in done.stdout or "%" in done.stdout or ":" in done.stdout


def test_the_lower_of_both_clocks_is_quoted():
    times = Times({"a": [4.0, 9.0, 8.0], "b": [2.0, 3.0, 4.0]}, {"a": [6.0, 6.0, 6.0], "b": [2.0, 2.0, 4.0]})
    assert times.ratio("a", "b") == (2.0, 2.0, 3.0)  # by wall time 2, 3, 2; by CPU time 3, 3, 1.5
    assert times.seconds("a") == 8.0 and times.cpu_seconds("b") == 2.0


def test_variants_take_turns():
    seen: list[str] = []
    times = take_turns({"a": lambda: seen.append("a"), "b": lambda: seen.append("b")}, rounds=2)
    assert seen == ["a", "b"] * 3  # the first pair only warms up
    assert len(times.wall["a"]) == len(times.cpu["b"]) == 2


def test_a_goal_missed_is_said():
    row = Row("a path", "a peer", (3.0, 2.5, 3.5), reach=4.0, floor="a floor", share=0.5, share_reach=0.4)
    assert row.met is False and "NOT reached" in as_text(row)
    assert cells(row) == ["a path", "a peer", "3.00", "≥ 4", "50 %", "≥ 40 %", "**no**"]
    assert Row("a path", figures={"seconds": 1.5}).met is None
    assert Row("a path", share=0.4, share_reach=0.4).met is True
    assert Row("a path", reach=2.0).met is False  # a goal without a measurement is not reached


def test_the_table_holds_every_row(tmp_path: Path):
    machine = {"cpu": "a processor", "cores": "2", "load": "0.1", "gpu": "", "python": "3", "torch": "2"}
    row = {
        "path": "a path",
        "peer": "a peer",
        "ratio": [3.0, 2.5, 3.5],
        "figures": {"seconds": 1.25},
        "note": "So it is.",
    }
    file = tmp_path / "one-cpu.json"
    file.write_text(json.dumps({"command": "python benchmarks/one.py", "machine": machine, "rows": [row]}))
    text = table([file])
    assert "| a path | a peer | 3.00 | – | – | – | – |" in text
    assert "`python benchmarks/one.py` on 2 cores of a processor, torch 2, load 0.1:" in text
    assert "- **a path**: rounds from 2.50 to 3.50; seconds 1.25. So it is." in text
