"""cnn: the two-convolution net of the tutorials, corrected; it knows neither data nor normalisation."""

import torch.nn.functional as F
from torch import Tensor, nn


class CNN(nn.Module):
    """conv5 32 - pool - conv5 64 - pool - fc 500 - dropout - fc, without padding (LeCun et al. 1998's layout, wider).

    float32 [N, 1, 28, 28], normalised -> logits [N, labels]. 28 -> 24 -> 12 -> 8 -> 4, so that the first linear layer
    takes 64*4*4 inputs; tutorials that write 64*5*5 fail on 28x28 pictures.
    """

    def __init__(self, channels: int, labels: int, hidden: int = 500, dropout: float = 0.2) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 5)
        self.conv2 = nn.Conv2d(32, 64, 5)
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(64 * 4 * 4, hidden)
        self.head = nn.Linear(hidden, labels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.pool(self.conv1(x)))  # ReLU after the pool: the same values for a quarter of the work
        x = F.relu(self.pool(self.conv2(x)))
        x = self.dropout(F.relu(self.fc1(x.flatten(1))))
        return self.head(x)  # type: ignore[no-any-return]
