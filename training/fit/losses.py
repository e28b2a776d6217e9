"""What an answer costs: against labels, against no label, against a teacher."""

import torch
import torch.nn.functional as F
from torch import Tensor

from models_store.specs import TrainSpec

_SOFT = 2.0  # both sides' logits are divided by it before they are compared (Hinton et al. 2015, arXiv:1503.02531)


def of_answers(logits: Tensor, truth: Tensor, spec: TrainSpec) -> Tensor:
    """The mean over the rows, logits [N, labels] and labels [N]. Outliers, which show no label, should be answered with
    every label equally, and weigh `outlier_weight`."""
    known = truth >= 0
    if spec.loss == "mse":
        wanted = F.one_hot(truth.clamp(min=0), logits.shape[1]).float()
        wanted = torch.where(known[:, None], wanted, 1 / logits.shape[1])
        errors = F.mse_loss(logits.softmax(1), wanted, reduction="none").mean(1)
        return (errors * torch.where(known, 1.0, spec.outlier_weight)).mean()
    if bool(known.all()):
        return F.cross_entropy(logits, truth, label_smoothing=spec.label_smoothing)
    wrong = F.cross_entropy(logits[known], truth[known], label_smoothing=spec.label_smoothing, reduction="sum")
    uneven = -F.log_softmax(logits[~known], dim=1).mean(1).sum()  # cross entropy with every label equally
    return (wrong + spec.outlier_weight * uneven) / len(truth)


def unlike(logits: Tensor, taught: Tensor) -> Tensor:
    """Kullback-Leibler divergence of softened answers; the square keeps its gradients as large as a plain loss's."""
    soft = F.log_softmax(taught.float() / _SOFT, dim=1)
    return F.kl_div(F.log_softmax(logits / _SOFT, dim=1), soft, reduction="batchmean", log_target=True) * _SOFT**2
