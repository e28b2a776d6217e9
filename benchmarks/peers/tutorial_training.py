"""The tutorials' way to train on MNIST: torchvision's data set through a DataLoader, batches of 100, Adam at 1e-3."""

import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.torchvision import torchvision

EPOCHS = 3


class Net(nn.Module):
    """Two convolutions and two linear layers, with the shapes mended (64*4*4 where many write 64*5*5)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5)
        self.pool, self.drop = nn.MaxPool2d(2), nn.Dropout(0.2)
        self.fc1, self.fc2 = nn.Linear(64 * 4 * 4, 500), nn.Linear(500, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x))).flatten(1)
        return self.fc2(self.drop(F.relu(self.fc1(x))))  # type: ignore[no-any-return]


def train(folder: Path, seed: int) -> tuple[float, float]:
    """(share of the 10,000 test digits read right after the last epoch, seconds of training)."""
    vision = torchvision()
    from torchvision import transforms

    torch.manual_seed(seed)
    began = time.perf_counter()
    steps = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    train, test = (vision.datasets.MNIST(str(folder), train=part, transform=steps) for part in (True, False))
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        for pictures, labels in torch.utils.data.DataLoader(train, batch_size=100, shuffle=True):
            optimizer.zero_grad()
            F.cross_entropy(net(pictures), labels).backward()
            optimizer.step()
    seconds = time.perf_counter() - began
    net.eval()
    pictures = torch.stack([picture for picture, _ in test])
    with torch.inference_mode():
        answers = torch.cat([net(batch).argmax(1) for batch in pictures.split(1000)])
    return float((answers == test.targets).float().mean()), seconds
