"""The graph head: its formula entry by entry, what order and number of nodes mean to it, and what is idle in it."""

import pytest
import torch
from torch import Tensor

from glad.methods.graph import GraphHead, GraphLayer

K = 3


def head(width: int = 8, dropout: float = 0.0) -> GraphHead:
    torch.manual_seed(0)
    return GraphHead(width, K, 6, dropout, always=False).double()


def nodes(n: int = 5, width: int = 8) -> Tensor:
    return torch.randn(2, n, width, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def naive_layer(layer: GraphLayer, x: Tensor) -> Tensor:
    """Return the layer's output (n, out) for the nodes (n, width) of one video, entry by entry."""
    n = len(x)
    weight = [[torch.exp((layer.w1 @ x[i]) @ (layer.w2 @ x[j])) for j in range(n)] for i in range(n)]
    column = [sum(weight[i][j] for i in range(n)) for j in range(n)]
    rows = [sum(weight[i][j] / column[j] * (x[j] @ layer.weight) for j in range(n)) + layer.bias for i in range(n)]
    return torch.stack([torch.as_tensor(row) for row in rows])


def naive_head(graph: GraphHead, x: Tensor) -> Tensor:
    """Return scores (b, k) of nodes (b, n, width), video by video, without dropout."""
    first, second, third = graph.layers
    scores = []
    for video in x:
        deep = naive_layer(second, naive_layer(first, video).clamp(min=0)).clamp(min=0)  # pyright: ignore
        scores.append(naive_layer(third, deep).mean(0))  # pyright: ignore[reportArgumentType]
    return torch.stack(scores)


def test_the_head_of_the_release_has_its_size_and_its_start():
    torch.manual_seed(0)
    graph = GraphHead(1024, 12, 256, 0.1, always=False)
    assert sum(p.numel() for p in graph.parameters()) == 2_690_572
    third = graph.layers[2]
    assert sum(p.numel() for name, p in third.named_parameters() if name in ("w1", "w2")) == 131_072
    for layer, (width, out) in zip(graph.layers, ((1024, 256), (256, 256), (256, 12)), strict=True):
        for name, inverse in (("weight", out), ("bias", out), ("w1", width), ("w2", width)):
            values = layer.get_parameter(name).detach()
            assert values.abs().max() <= inverse**-0.5
            if name != "bias":
                assert values.abs().max() > 0.95 * inverse**-0.5 and values.std().item() == pytest.approx(
                    (3 * inverse) ** -0.5, rel=0.05
                )


def test_columns_of_the_adjacency_sum_to_one_and_rows_do_not():
    found = GraphLayer(8, 4).double().adjacency(nodes())
    assert found.shape == (2, 5, 5) and (found > 0).all()
    torch.testing.assert_close(found.sum(1), torch.ones(2, 5, dtype=torch.float64))
    assert not torch.allclose(found.sum(2), torch.ones(2, 5, dtype=torch.float64), atol=1e-3)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_head_is_its_formula_for_any_number_of_nodes(n):
    graph, x = head(), nodes(n)
    torch.testing.assert_close(graph(x), naive_head(graph, x), rtol=1e-9, atol=1e-12)


def test_nodes_have_no_order_and_videos_never_meet():
    graph, x = head(), nodes()
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(graph.node_scores(x[:, order]), graph.node_scores(x)[:, order])
    torch.testing.assert_close(graph(x[:, order]), graph(x))
    assert not torch.allclose(graph.node_scores(x)[:, order], graph.node_scores(x))
    torch.testing.assert_close(graph(x[1:]), graph(x)[1:])


def test_the_adjacency_of_the_last_layer_has_no_effect_and_no_gradient():
    graph, x = head(), nodes()
    scores = graph(x)
    (scores**2).sum().backward()
    size = {f"{i}.{name}": p.grad.abs().max().item() for i, layer in enumerate(graph.layers)
            for name, p in layer.named_parameters() if p.grad is not None}  # fmt: skip
    assert len(size) == 12
    assert all((value < 1e-12) == (name in ("2.w1", "2.w2")) for name, value in size.items()), size
    with torch.no_grad():
        graph.layers[2].get_parameter("w1").normal_()
    torch.testing.assert_close(graph(x), scores)
