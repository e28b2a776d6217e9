"""How a net keeps what another knows: the loss of unlike answers, and blends to be asked about. It trains nothing."""

import torch
import torch.nn.functional as F
from torch import Tensor

_SOFT = 2.0  # both sides' logits are divided by it before they are compared (Hinton et al. 2015, arXiv:1503.02531)


def unlike(logits: Tensor, taught: Tensor) -> Tensor:
    """Kullback-Leibler divergence of softened answers; the square keeps its gradients as large as a plain loss's."""
    soft = F.log_softmax(taught.float() / _SOFT, dim=1)
    return F.kl_div(F.log_softmax(logits / _SOFT, dim=1), soft, reduction="batchmean", log_target=True) * _SOFT**2


def mixed(pictures: Tensor) -> Tensor:
    """[N, C, H, W] whose first half are blends, each of itself and another picture, by a uniform share.

    A teacher is asked about them for what lies between its digits (Beyer et al. 2022, arXiv:2106.05237); no label would
    fit them. Random numbers come from torch's global generator of the pictures' device.
    """
    half = len(pictures) // 2
    share = torch.rand(half, 1, 1, 1, device=pictures.device)
    partners = pictures[torch.randperm(len(pictures), device=pictures.device)[:half]]
    return torch.cat([torch.lerp(partners, pictures[:half], share), pictures[half:]])
