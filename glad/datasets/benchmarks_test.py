"""The tables: how many classes, no name in doubt, and agreement with the released Kinetics lists."""

import pytest

from glad.data.listfile import text_rows
from glad.datasets.benchmarks import BENCHMARKS, KINETICS_BABEL, READERS, benchmark_named
from glad.datasets.classmap import labels_by_spelling, spelled
from glad.errors import UserError


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        *(("ucf-hmdb", 12), ("kinetics-babel", 12), ("epic-d1-d3", 8), ("kinetics-necdrone", 7)),
        *(("daily-mit-arid", 8), ("sports-ucf-kinetics", 23)),
    ],
)
def test_a_benchmark_has_its_classes(name, classes):
    table = BENCHMARKS[name].classes
    assert table is not None and len(table.classes) == classes


def test_every_side_has_a_reader_and_names_of_its_own():
    for name, benchmark in BENCHMARKS.items():
        assert name == benchmark.name
        for side in (benchmark.source, benchmark.target):
            assert side.dataset in READERS or side.dataset == "babel"
            assert benchmark.classes is None or side.key in benchmark.classes.raw
    assert len([name for name in BENCHMARKS if name.startswith("epic-")]) == 6
    assert len([name for name in BENCHMARKS if name.startswith("daily-")]) == 12


def test_directions_share_a_table():
    assert BENCHMARKS["ucf-hmdb"].classes is BENCHMARKS["hmdb-ucf"].classes
    assert BENCHMARKS["ucf-hmdb"].source == BENCHMARKS["hmdb-ucf"].target


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UserError, match=r"no benchmark 'ucf-hmbd'; did you mean 'ucf-hmdb'\? known: kinetics-babel"):
        benchmark_named("ucf-hmbd")


@pytest.mark.parametrize("name", ["k400_train", "k400_test"])
def test_kinetics_classes_have_the_labels_of_the_released_lists(shared_data, name):
    labels = labels_by_spelling(KINETICS_BABEL.raw["kinetics"])
    rows = list(text_rows(shared_data / "kinetics2babel" / f"{name}.txt", labelled=True))
    assert [labels[spelled(path.split("/")[0])] for _, path, *_ in rows] == [row[-1] for row in rows]
