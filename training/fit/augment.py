"""Augments whole batches of pictures at once: rotated, scaled, sheared, shifted, crumpled, cropped, mirrored."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from models_store.specs import AugmentSpec, InputSpec

Edges = Literal["zeros", "border", "reflection"]
_ASPECT = 4 / 3  # how much a cropped window is wider or higher than the picture, as in torchvision's RandomResizedCrop


def edges_of(picture: InputSpec) -> Edges:
    """What lies beyond a picture's edge: a digit's empty ground; a whole picture's own mirror image.

    Black corners would tell a net how far a photograph was turned, and a repeated border draws rays that no camera
    sees; a mirror image goes on with the same colours and textures.
    """
    return "zeros" if picture.finds_writing else "reflection"


def bend(pictures: Tensor, spec: AugmentSpec, edges: Edges = "zeros") -> Tensor:
    """Rotates, scales, shears, shifts, crumples, crops and mirrors each picture by its own random amount.

    float32 [N, C, H, W] in 0..1 -> the same shape, in one resampling; `edges` says what lies beyond the pictures.
    Random numbers come from torch's global generator of the pictures' device. The elastic part is after Simard,
    Steinkraus and Platt 2003.
    """
    if spec.is_identity:
        return pictures
    n, _, height, width = pictures.shape
    matrices = _affine(n, spec, height, width, pictures.device)
    if spec.mirror or spec.crop < 1:
        matrices = _windowed(matrices, spec)
    grid = F.affine_grid(matrices, list(pictures.shape), align_corners=False)
    if spec.elastic_pixels:
        grid = grid + _elastic(n, spec, height, width, pictures.device)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode=edges, align_corners=False)


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


def _windowed(matrices: Tensor, spec: AugmentSpec) -> Tensor:
    """The matrices [N, 2, 3] applied to a random window of each picture, swapped left and right in every second one.

    A window keeps a uniform share of the area, from `spec.crop` to all of it. Its aspect is the picture's times 3/4 to
    4/3, uniform in the logarithm, and less where it would not fit otherwise, so that nothing has to be drawn twice.
    """
    share, aspect, x, y, side = torch.rand(5, len(matrices), device=matrices.device)
    share = spec.crop + (1 - spec.crop) * share
    most = torch.clamp(-torch.log(share), max=math.log(_ASPECT))
    aspect = torch.exp((2 * aspect - 1) * most)
    wide, high = torch.sqrt(share * aspect), torch.sqrt(share / aspect)
    middle = torch.stack([(2 * x - 1) * (1 - wide), (2 * y - 1) * (1 - high)], dim=1)[:, :, None]
    if spec.mirror:
        wide = torch.where(side < 0.5, -wide, wide)
    turned, shift = matrices[:, :, :2], matrices[:, :, 2:]
    return torch.cat([turned * torch.stack([wide, high], dim=1)[:, None], turned @ middle + shift], dim=2)


def _elastic(n: int, spec: AugmentSpec, height: int, width: int, device: torch.device) -> Tensor:
    """[N, H, W, 2] displacements: normal on a coarse grid, smooth between its points."""
    side = spec.elastic_grid
    unit = torch.tensor([2 / width, 2 / height], device=device).view(1, 2, 1, 1)
    coarse = torch.randn(n, 2, side, side, device=device) * (spec.elastic_pixels * unit)
    return F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
