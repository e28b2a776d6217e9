"""fast and lite: the smallest nets here for their accuracy on MNIST.

Idea: a stride of 2 in the first 5x5 convolution quarters the work of all that follows, batch norm and ReLU stand after
each convolution (Ioffe and Szegedy 2015, arXiv:1502.03167), and widths in multiples of 16 fill the CPU's vector units.
"""

from torch import Tensor, nn

from training.nets.layers import block, pooled_block, scaled


class Fast(nn.Module):
    """[conv5/2 24]-[conv3 48]-pool-[conv3 96]-pool-[conv3 valid 128]-dropout-fc: 164,914 parameters for ten labels.

    float32 [N, C, 28, 28], normalised -> logits [N, labels]. `width` scales the channels, to multiples of 8.
    """

    def __init__(self, channels: int, labels: int, dropout: float = 0.1, width: float = 1.0) -> None:
        super().__init__()
        a, b, c, d = (scaled(n, width) for n in (24, 48, 96, 128))
        self.features = nn.Sequential(
            block(channels, a, kernel=5, stride=2, padding=2),  # 14 x 14
            block(a, b, kernel=3, padding=1),
            nn.MaxPool2d(2),  # 7 x 7
            block(b, c, kernel=3, padding=1),
            nn.MaxPool2d(2),  # 3 x 3
            block(c, d, kernel=3),  # 1 x 1
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(d, labels)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.dropout(self.features(x).flatten(1)))  # type: ignore[no-any-return]


class Lite(nn.Module):
    """[conv5/2 16]-[conv3 32 pool]-[conv3 64 pool]-[conv3 valid 128]-fc: 98,938 parameters for ten labels.

    float32 [N, C, 28, 28], normalised -> logits [N, labels]. `width` scales the channels, to multiples of 8.
    """

    def __init__(self, channels: int, labels: int, width: float = 1.0) -> None:
        super().__init__()
        a, b, c, d = (scaled(n, width) for n in (16, 32, 64, 128))
        self.features = nn.Sequential(
            block(channels, a, kernel=5, stride=2, padding=2),  # 14 x 14
            pooled_block(a, b, kernel=3, padding=1),  # 7 x 7
            pooled_block(b, c, kernel=3, padding=1),  # 3 x 3
            block(c, d, kernel=3),  # 1 x 1
        )
        self.head = nn.Linear(d, labels)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).flatten(1))  # type: ignore[no-any-return]
