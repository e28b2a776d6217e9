"""dilated: a net of few weights that looks far.

Ideas: holes in a kernel widen its view for no weight (Yu and Koltun 2015, arXiv:1511.07122); a kernel per channel and a
1x1 convolution over the channels replace one large kernel (Chollet 2016, arXiv:1610.02357).
"""

from torch import Tensor, nn


class Dilated(nn.Sequential):
    """A 3x3 convolution with holes, batch norm, ReLU: it sees 5x5 pixels."""

    def __init__(self, inputs: int, outputs: int, padding: int = 0) -> None:
        holed = nn.Conv2d(inputs, outputs, 3, padding=padding, dilation=2, bias=False)
        super().__init__(holed, nn.BatchNorm2d(outputs), nn.ReLU())


class DepthwiseSeparable(nn.Sequential):
    """A 3x3 kernel per channel, then a 1x1 convolution over the channels, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, padding: int = 0, dilation: int = 1) -> None:
        depthwise = nn.Conv2d(inputs, inputs, 3, padding=padding, dilation=dilation, groups=inputs, bias=False)
        pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        super().__init__(depthwise, pointwise, nn.BatchNorm2d(outputs), nn.ReLU())


class DepthwiseSeparableDilated(DepthwiseSeparable):
    """The same with holes in the kernels."""

    def __init__(self, inputs: int, outputs: int, padding: int = 0) -> None:
        super().__init__(inputs, outputs, padding, dilation=2)


class DilatedNet(nn.Module):
    """[dilated 48]-pool-[separable 96]-pool-[separable dilated 160]-dropout-fc: 36,714 parameters for ten labels.

    float32 [N, C, 28, 28], normalised -> logits [N, labels]. The first layer is not separable: one kernel for the one
    channel of a grey picture would leave the 1x1 convolution nothing to mix.
    """

    def __init__(self, channels: int, labels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.features = nn.Sequential(
            Dilated(channels, 48, padding=2),
            nn.MaxPool2d(2),  # 14 x 14
            DepthwiseSeparable(48, 96, padding=1),
            nn.MaxPool2d(2),  # 7 x 7
            DepthwiseSeparableDilated(96, 160),  # 3 x 3
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(160 * 3 * 3, labels)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.dropout(self.features(x).flatten(1)))  # type: ignore[no-any-return]
