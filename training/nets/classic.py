"""cnn, cnn-small and cnn-three: the nets of the tutorials, corrected."""

from torch import Tensor, nn

from training.nets.layers import Activation, Pool, halving, scaled, squashing


class CNN(nn.Module):
    """conv5 32 - pool - conv5 64 - pool - fc 500 - dropout - fc, without padding (LeCun et al. 1998's layout, wider).

    float32 [N, C, 28, 28], normalised -> logits [N, labels]. 28 -> 24 -> 12 -> 8 -> 4, so that the first linear layer
    takes 64*4*4 inputs; tutorials that write 64*5*5 fail on 28x28 pictures. With sigmoid and average it computes as
    LeNet does, which averages first and squashes then. `width` scales the kernels' number, to multiples of 8.
    """

    def __init__(
        self,
        channels: int,
        labels: int,
        hidden: int = 500,
        dropout: float = 0.2,
        activation: Activation = "relu",
        pool: Pool = "max",
        width: float = 1.0,
    ) -> None:
        super().__init__()
        a, b = scaled(32, width), scaled(64, width)
        self.conv1 = nn.Conv2d(channels, a, 5)
        self.conv2 = nn.Conv2d(a, b, 5)
        self.pool = halving(pool)
        self.activation = squashing(activation)
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(b * 4 * 4, hidden)
        self.head = nn.Linear(hidden, labels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.pool(self.conv1(x)))  # after a max pool: the same values for a quarter of the work
        x = self.activation(self.pool(self.conv2(x)))
        x = self.dropout(self.activation(self.fc1(x.flatten(1))))
        return self.head(x)  # type: ignore[no-any-return]


class SmallCNN(nn.Module):
    """conv5 32 - pool - fc 128 - fc, without padding (half of LeCun et al. 1998's layout): 592,074 parameters for ten.

    float32 [N, C, 28, 28], normalised -> logits [N, labels]. 28 -> 24 -> 12, so that the first linear layer takes
    32*12*12 inputs; tutorials that write 32*7*7 fail on 28x28 pictures.
    """

    def __init__(
        self,
        channels: int,
        labels: int,
        hidden: int = 128,
        dropout: float = 0.0,
        activation: Activation = "relu",
        pool: Pool = "max",
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 5)
        self.pool = halving(pool)
        self.activation = squashing(activation)
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(32 * 12 * 12, hidden)
        self.head = nn.Linear(hidden, labels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.pool(self.conv1(x)))
        x = self.dropout(self.activation(self.fc1(x.flatten(1))))
        return self.head(x)  # type: ignore[no-any-return]


class ThreeCNN(nn.Module):
    """Three times conv3 and pool (32, 64, 128), fc 128, fc: 241,546 parameters for ten labels.

    float32 [N, C, 28, 28], normalised -> logits [N, labels]. Small kernels, more of them at each halving, after
    Simonyan and Zisserman 2014 (arXiv:1409.1556). 28 -> 14 -> 7 -> 3.
    """

    def __init__(
        self,
        channels: int,
        labels: int,
        hidden: int = 128,
        dropout: float = 0.2,
        activation: Activation = "relu",
        pool: Pool = "max",
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1)
        self.conv3 = nn.Conv2d(64, 128, 3, padding=1)
        self.pool = halving(pool)
        self.activation = squashing(activation)
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(128 * 3 * 3, hidden)
        self.head = nn.Linear(hidden, labels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.pool(self.conv1(x)))
        x = self.activation(self.pool(self.conv2(x)))
        x = self.activation(self.pool(self.conv3(x)))
        x = self.dropout(self.activation(self.fc1(x.flatten(1))))
        return self.head(x)  # type: ignore[no-any-return]
