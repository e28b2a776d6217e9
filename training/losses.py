"""What a batch's answers cost. It knows no net, no loop and no data set."""

import torch
import torch.nn.functional as F
from torch import Tensor

from models_store.specs import TrainSpec


def loss(logits: Tensor, truth: Tensor, spec: TrainSpec) -> Tensor:
    """The mean over the rows: logits [N, labels] against indices [N].

    Rows whose truth is STRANGE (below 0) show no label: they should be answered with every label equally, and weigh
    `spec.exposure` (outlier exposure, Hendrycks et al. 2019, arXiv:1812.04606).
    """
    known = truth >= 0
    if spec.loss == "mse":
        wanted = F.one_hot(truth.clamp(min=0), logits.shape[1]).float()
        wanted = torch.where(known[:, None], wanted, torch.full_like(wanted, 1 / logits.shape[1]))
        squares = (logits.softmax(1) - wanted).square().mean(1)
        return torch.where(known, squares, spec.exposure * squares).mean()
    if bool(known.all()):
        return F.cross_entropy(logits, truth, label_smoothing=spec.label_smoothing)
    wrong = F.cross_entropy(logits[known], truth[known], label_smoothing=spec.label_smoothing, reduction="sum")
    uneven = -F.log_softmax(logits[~known], dim=1).mean(1).sum()  # cross entropy with every label equally
    return (wrong + spec.exposure * uneven) / len(truth)
