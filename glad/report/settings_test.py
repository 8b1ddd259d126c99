"""Recipes are compared setting by setting, and what was read is known again by its fingerprint."""

from glad.fingerprint import sha256
from glad.recipe import Videos
from glad.report.record import RunRecord, read_run
from glad.report.settings import differing, hashes
from glad.run import Run


def record(**settings: object) -> RunRecord:
    return RunRecord(path=None, settings=settings)  # pyright: ignore


def test_settings_are_compared_where_several_runs_have_them():
    runs = [
        record(name="a", seed=0, mix=None, method={"kind": "m:DannConfig", "weight": 1.0, "head": "video"}, steps=5),
        record(name="b", seed=1, mix={"kind": "m:Mix", "ratio": 0.5}, method={"kind": "m:GladConfig", "weight": 2.0}),
    ]
    assert differing(runs) == [
        ("seed", ["0", "1"]),
        ("mix", ["none", "Mix: ratio 0.5"]),
        ("method", ["Dann", "Glad"]),
        ("method.weight", ["1.0", "2.0"]),
    ]
    assert differing([runs[0], runs[0]]) == []
    assert differing([runs[0], record()]) == []


def test_parts_with_many_settings_and_stages_are_told_by_name():
    many = {"kind": "m:BigConfig", **{f"s{k}": k for k in range(9)}}
    runs = [record(part=many, after={"kind": "Recipe", "name": "order"}), record(part=None, after=None)]
    assert differing(runs) == [("part", ["Big", "none"]), ("after", ["order", "none"])]


def test_files_are_the_same_or_changed_or_gone(square_recipe, square_pair, squares, tmp_path):
    own = tmp_path / "test.txt"
    own.write_text((squares / "test.txt").read_text())
    pair = square_pair.model_copy(update={"test": Videos(list=own, root=square_pair.test.root)})
    run = Run(tmp_path / "run")
    run.begin(square_recipe(data=pair), ("left", "right"))
    run.last.write_bytes(b"weights")

    def states() -> dict[str, str]:
        return {row["name"]: row["state"] for row in hashes(read_run(run.folder))}

    assert states() == {
        "data.classes": "the same today",
        "data.source.list": "the same today",
        "data.target.list": "the same today",
        "data.test.list": "the same today",
        "weights": "the last checkpoint",
    }
    own.write_text("left_0 0 12 0\n")
    assert states()["data.test.list"] == "changed since the training"
    own.unlink()
    assert states()["data.test.list"] == "not there today"
    run.data.unlink()
    assert states()["data.source.list"] == "of today; the run wrote none down"
    assert states()["data.test.list"] == "not there"
    row = hashes(read_run(run.folder))[-1]
    assert row["sha256"] == sha256(run.last) and row["path"] == str(run.last)
