"""The graph head of CoMix (NeurIPS 2021): clips are nodes that look at one another, and score their video together."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GraphLayer(nn.Module):
    """Every node becomes a weighted sum of all, (b, n, width) to (b, n, out): A (X W) + b.

    `W` and `b` start uniform within 1 / sqrt(out), `W1` and `W2`, which make the weights A, within 1 / sqrt(width).
    """

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width, out).uniform_(-(out**-0.5), out**-0.5))
        self.bias = nn.Parameter(torch.empty(out).uniform_(-(out**-0.5), out**-0.5))
        self.w1 = nn.Parameter(torch.empty(width, width).uniform_(-(width**-0.5), width**-0.5))
        self.w2 = nn.Parameter(torch.empty(width, width).uniform_(-(width**-0.5), width**-0.5))

    def adjacency(self, nodes: Tensor) -> Tensor:
        """Return A (b, n, n), the softmax of X W1' W2 X' over its rows: every *column* sums to 1, as released."""
        return (F.linear(nodes, self.w1) @ F.linear(nodes, self.w2).mT).softmax(dim=1)

    def forward(self, nodes: Tensor) -> Tensor:
        return self.adjacency(nodes) @ (nodes @ self.weight) + self.bias


class GraphHead(nn.Module):
    """Three graph layers from clip features (b, n, width) to scores (b, k); any number of clips n >= 1.

    2,690,572 parameters at width 1024 and 12 classes. `W1` and `W2` of the last layer (131,072 of them) have no effect
    and no gradient: the scores are the mean over nodes, and a column that sums to 1 takes no part in the mean.
    """

    def __init__(self, width: int, num_classes: int, hidden: int, dropout: float, always: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [GraphLayer(width, hidden), GraphLayer(hidden, hidden), GraphLayer(hidden, num_classes)]
        )
        self.dropout, self.always = dropout, always

    def node_scores(self, nodes: Tensor) -> Tensor:
        """Return the scores of every node, (b, n, k)."""
        for layer in self.layers[:-1]:
            nodes = F.dropout(F.relu(layer(nodes)), self.dropout, training=self.training or self.always)
        return self.layers[-1](nodes)

    def forward(self, nodes: Tensor) -> Tensor:
        return self.node_scores(nodes).mean(dim=1)
