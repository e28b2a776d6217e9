"""Blends of pictures (mixup), which a teacher is asked about."""

import torch
from torch import Tensor


def blended(pictures: Tensor) -> Tensor:
    """[N, C, H, W] whose first half are blends, each of itself and another picture, by a uniform share.

    A teacher is asked about them for what lies between its digits (Beyer et al. 2022, arXiv:2106.05237); no label would
    fit them. Random numbers come from torch's global generator of the pictures' device.
    """
    half = len(pictures) // 2
    share = torch.rand(half, 1, 1, 1, device=pictures.device)
    partners = pictures[torch.randperm(len(pictures), device=pictures.device)[:half]]
    return torch.cat([torch.lerp(partners, pictures[:half], share), pictures[half:]])
