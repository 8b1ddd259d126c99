"""The losses of CO2A, one function each: what is alike is pulled together, against what a row is compared with.

Turrisi da Costa et al., WACV 2022; which rows, positives and denominators: 3.4 of the specification. Letters besides
the usual: p width of the rows that are compared, m rows of a kind; of target videos there are two draws.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def nce(similarity: Tensor, positives: Tensor, denominators: Tensor) -> Tensor:
    """Return the contrastive loss: the mean, over rows that have a positive, of -mean_p log(e^s_p / sum_a e^s_a).

    It is 0 with a gradient of 0 where no row has one, and finite whatever the temperature.

    Args:
        similarity: (m, c), cosine / temperature of row i and column j.
        positives: bool (m, c), the p of each row; must lie within its denominators.
        denominators: bool (m, c), the a of each row.
    """
    count = positives.sum(dim=1)
    lowest = torch.finfo(similarity.dtype).min  # finite, so that a row without columns stays a number
    total = similarity.masked_fill(~denominators, lowest).logsumexp(dim=1)
    mean = similarity.masked_fill(~positives, 0.0).sum(dim=1) / count.clamp(min=1)
    kept = count > 0
    return (total - mean).masked_fill(~kept, 0.0).sum() / kept.sum().clamp(min=1)


def similarities(rows: Tensor, temperature: float) -> Tensor:
    """Return cosine / temperature (m, m) of all `rows` (m, d) with each other."""
    unit = F.normalize(rows, dim=1)
    return unit @ unit.T / temperature


def video_term(z: Tensor, temperature: float) -> Tensor:
    """Return the contrast of target videos, z (2, b, p): positive is the other draw, against all other rows.

    ln(2b - 1) where all rows are alike.
    """
    video = torch.arange(z.shape[1], device=z.device).repeat(2)
    itself = torch.eye(len(video), dtype=torch.bool, device=z.device)
    return nce(similarities(z.flatten(0, 1), temperature), same(video) & ~itself, ~itself)


def clip_term(z: Tensor, temperature: float) -> Tensor:
    """Return the contrast of target clips, z (2, b, n, p): positive is the same clip in the other draw of its video.

    Against all rows but the n - 1 other clips of its own video and draw, and with the row itself: the released mask.
    ln(2bn - n + 1) where all rows are alike.
    """
    draws, b, n, _ = z.shape
    clip = torch.arange(b * n, device=z.device).repeat(draws)
    video = torch.arange(draws * b, device=z.device).repeat_interleave(n)
    itself = torch.eye(len(clip), dtype=torch.bool, device=z.device)
    return nce(similarities(z.flatten(0, 2), temperature), same(clip) & ~itself, ~same(video) | itself)


def source_term(z: Tensor, label: Tensor, temperature: float) -> Tensor:
    """Return the contrast of source videos, z (b, p): positive are the others of its class, against all others.

    ln(b - 1) where all rows are alike.
    """
    itself = torch.eye(len(label), dtype=torch.bool, device=z.device)
    return nce(similarities(z, temperature), same(label) & ~itself, ~itself)


def domains_term(
    source: Tensor, label: Tensor, target: Tensor, pseudo: Tensor, sure: Tensor, temperature: float
) -> Tensor:
    """Return the contrast across domains: positive is the same class in the other domain, against all of that domain.

    Of the target only rows that are `sure` take part. Where all rows are alike, a source row gives ln(number of sure
    target rows), a target row ln(number of source rows).

    Args:
        source: rows (b, p).
        label: their classes (b,).
        target: rows (m, p).
        pseudo: their classes (m,).
        sure: bool (m,).
    """
    label, part = torch.cat([label, pseudo]), torch.cat([torch.ones_like(label, dtype=torch.bool), sure])
    domain = torch.arange(len(label), device=label.device) < len(source)
    across = ~same(domain) & part[:, None] & part[None, :]
    return nce(similarities(torch.cat([source, target]), temperature), across & same(label), across)


def consistency_term(
    scores_t: Tensor, scores_s: Tensor, heads_t: Tensor, heads_s: Tensor, threshold: float
) -> tuple[Tensor, Tensor]:
    """Return the consistency of the two heads over all pairs of a target and a source video, and the share alike.

    Two videos are alike where the cosine of their contrastive features is above `threshold`, which is a constant: no
    gradient. The inner product of their class scores is the logit that should say so (binary cross-entropy).

    Args:
        scores_t: class scores (m, k) of the target.
        scores_s: class scores (b, k) of the source.
        heads_t: contrastive features (m, h) of the target.
        heads_s: contrastive features (b, h) of the source.
        threshold: cosine above which two videos are alike.
    """
    cosine = F.normalize(heads_t.detach(), dim=1) @ F.normalize(heads_s.detach(), dim=1).T
    alike = (cosine > threshold).to(scores_t.dtype)
    return F.binary_cross_entropy_with_logits(scores_t @ scores_s.T, alike), alike.mean()


def pseudo_labels(scores: Tensor, selection: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return of `scores` (m, k): pseudo-labels (m,), bool (m,) whether they are sure, entropies (m,) in nats.

    Sure is an entropy below ln k / `selection`: 0.6212 of 12 classes and the released 4. As there, 1e-5 is added
    inside the logarithm.
    """
    p = scores.detach().softmax(dim=1)
    entropy = -(p * (p + 1e-5).log()).sum(dim=1)
    return p.argmax(dim=1), entropy < math.log(scores.shape[1]) / selection, entropy


def same(numbers: Tensor) -> Tensor:
    """Return bool (m, m): whether two of `numbers` (m,) are equal."""
    return numbers[:, None] == numbers[None, :]
