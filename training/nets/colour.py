"""rgb-cnn: a small net for whole colour pictures."""

from torch import Tensor, nn

from training.nets.layers import block


class RgbCNN(nn.Module):
    """[conv5/2 16]-pool-[conv3 32]-pool-[conv3 64]-pool-[conv3 128]-average-dropout-fc: 99,738 parameters for ten.

    float32 [N, 3, H, W], normalised -> logits [N, labels]. Each map's average stands for it (Lin, Chen and Yan 2013,
    arXiv:1312.4400), so that the linear layer has 128 inputs whatever the picture's size; tutorials that flatten the
    maps of a 224x224 picture give it 400,000 and 50 million weights.
    """

    def __init__(self, channels: int, labels: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.features = nn.Sequential(  # sides of a 224x224 picture:
            block(channels, 16, kernel=5, stride=2, padding=2),  # 112
            nn.MaxPool2d(2),  # 56
            block(16, 32, kernel=3, padding=1),
            nn.MaxPool2d(2),  # 28
            block(32, 64, kernel=3, padding=1),
            nn.MaxPool2d(2),  # 14
            block(64, 128, kernel=3, padding=1),
            nn.AdaptiveAvgPool2d(1),
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(128, labels)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.dropout(self.features(x).flatten(1)))  # type: ignore[no-any-return]
