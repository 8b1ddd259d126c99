"""A network becomes a graph for any number of rows, and is written with what is known about it."""

import json
import logging
import warnings

import pytest
import torch
from torch import Tensor, nn

from glad.errors import UserError
from glad.program import needs, program_of, quiet, read_pt2, write_onnx, write_pt2


class Ends(nn.Module):
    """Twice `first`, next to `second` without its sign."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return torch.cat([first * 2.0, second.abs()], dim=1)


class Total(nn.Module):
    """The sum of whatever it is given."""

    def forward(self, *tensors: Tensor) -> Tensor:
        return torch.stack(tensors).sum(0)


FIRST, SECOND = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[-5.0], [6.0]])


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_a_graph_takes_any_number_of_rows(rows):
    graph = program_of(Ends().eval(), (FIRST, SECOND)).module()
    assert graph(FIRST[:1].repeat(rows, 1), SECOND[:1].repeat(rows, 1)).tolist() == [[2.0, 4.0, 5.0]] * rows


def test_a_graph_of_any_number_of_inputs():
    graph = program_of(Total().eval(), (FIRST, FIRST + 1, FIRST + 2)).module()
    assert graph(FIRST[:1], FIRST[:1], FIRST[1:]).tolist() == [[5.0, 8.0]]


def test_a_single_row_to_record_with_is_a_mistake_of_ours():
    with pytest.raises(AssertionError, match="taken for a constant"):
        program_of(Ends(), (FIRST[:1], SECOND[:1]))


def test_a_network_that_branches_on_its_rows_is_not_recorded_as_one_that_does_not():
    class Crowd(nn.Module):
        def forward(self, first: Tensor) -> Tensor:
            return first * 2 if len(first) > 3 else first

    with pytest.raises(Exception, match=r"specialized|Constraints violated|videos"):
        program_of(Crowd().eval(), (FIRST,))


def test_a_pt2_file_brings_back_network_and_knowledge(tmp_path):
    write_pt2(program_of(Ends().eval(), (FIRST, SECOND)), tmp_path / "m.pt2", {"classes": ["ä", "b"]})
    network, about = read_pt2(tmp_path / "m.pt2")
    assert about == {"classes": ["ä", "b"]}
    assert network(FIRST, SECOND).tolist() == [[2.0, 4.0, 5.0], [6.0, 8.0, 6.0]]


def test_an_onnx_file_has_the_names_and_the_knowledge(tmp_path):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason="needs the extra export")
    import onnxruntime

    program = program_of(Ends().eval(), (FIRST, SECOND))
    write_onnx(program, ("left", "right"), "joined", tmp_path / "m.onnx", {"classes": ["ä"]})
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
    assert [(one.name, one.shape) for one in session.get_inputs()] == [
        ("left", ["videos", 2]),
        ("right", ["videos", 1]),
    ]
    assert json.loads(session.get_modelmeta().custom_metadata_map["glad"]) == {"classes": ["ä"]}
    found = session.run(["joined"], {"left": FIRST[:1].numpy(), "right": SECOND[1:].numpy()})[0]
    assert found.tolist() == [[2.0, 4.0, 6.0]]


def test_a_package_that_is_missing_is_named():
    needs("json", what="this")
    with pytest.raises(
        UserError, match=r'ONNX needs what is not installed \(nosuchpackage\): pip install "glad\[export\]"'
    ):
        needs("json", "nosuchpackage", what="ONNX")


def test_quiet_lasts_as_long_as_its_block(caplog):
    with quiet():
        warnings.warn("of no interest", FutureWarning, stacklevel=1)
        logging.getLogger("torch.onnx").warning("neither")
    assert not caplog.records
    logging.getLogger("torch.onnx").warning("heard")
    assert [record.message for record in caplog.records] == ["heard"]
