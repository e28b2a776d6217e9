"""Bends whole batches of pictures at once; it knows no labels and no epochs. A digit is never mirrored."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from models_store.specs import AugmentSpec


def bend(pictures: Tensor, spec: AugmentSpec) -> Tensor:
    """Rotates, scales, shears, shifts and crumples each picture by its own random amount, in one resampling.

    float32 [N, C, H, W] in 0..1 with 0 as the ground -> the same shape. Random numbers come from torch's global
    generator of the pictures' device. The elastic part is after Simard, Steinkraus and Platt 2003.
    """
    if spec.is_identity:
        return pictures
    n, _, height, width = pictures.shape
    grid = F.affine_grid(_affine(n, spec, height, width, pictures.device), list(pictures.shape), align_corners=False)
    if spec.elastic_pixels:
        grid = grid + _elastic(n, spec, height, width, pictures.device)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _affine(n: int, spec: AugmentSpec, height: int, width: int, device: torch.device) -> Tensor:
    """[N, 2, 3] matrices of `affine_grid`, where a picture is 2 wide: rotation x shear x scale, then the shift."""
    turn, log_x, log_y, shear, shift_x, shift_y = torch.rand(6, n, device=device) * 2 - 1
    turn = turn * math.radians(spec.rotate_degrees)
    scale_x, scale_y = torch.exp(log_x * spec.log_scale), torch.exp(log_y * spec.log_scale)
    shear = shear * spec.shear
    cos, sin = torch.cos(turn), torch.sin(turn)
    top = torch.stack([cos * scale_x, (cos * shear - sin) * scale_y, shift_x * 2 * spec.shift_pixels / width], dim=1)
    bottom = torch.stack(
        [sin * scale_x, (sin * shear + cos) * scale_y, shift_y * 2 * spec.shift_pixels / height], dim=1
    )
    return torch.stack([top, bottom], dim=1)


def _elastic(n: int, spec: AugmentSpec, height: int, width: int, device: torch.device) -> Tensor:
    """[N, H, W, 2] displacements: normal on a coarse grid, smooth between its points."""
    side = spec.elastic_grid
    unit = torch.tensor([2 / width, 2 / height], device=device).view(1, 2, 1, 1)
    coarse = torch.randn(n, 2, side, side, device=device) * (spec.elastic_pixels * unit)
    return F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
