"""A search space of one's own on sequences of tokens: convolutions over their embeddings.

    python examples/text_cnn_space.py tokens.npz
    tegnas search --space examples/text_cnn_space.py:SPACE --images tokens.npz --budget 50

The first command writes a file to try it on. Ids of tokens are whole numbers (N, length); the
inputs of the region count are drawn from those that the data has at each place.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np
from torch import Tensor, nn

from tegnas.spaces import ChoiceSpace

VOCABULARY, LENGTH = 50, 16
CHOICES = {"embedding": (4, 8), "channels": (4, 8, 16), "kernel": (3, 5), "depth": (1, 2, 3)}


class TextCNN(nn.Module):
    def __init__(self, choices: Mapping[str, int], num_classes: int) -> None:
        super().__init__()
        channels, kernel = choices["channels"], choices["kernel"]
        self.embedding = nn.Embedding(VOCABULARY, choices["embedding"])
        widths = [choices["embedding"], *[channels] * choices["depth"]]
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv1d(read, channels, kernel, padding=kernel // 2), nn.ReLU())
            for read in widths[:-1]
        )
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens).transpose(1, 2)
        for layer in self.layers:
            x = layer(x)
        return self.classifier(x.mean(2))


def build(choices: Mapping[str, int], num_classes: int) -> nn.Module:
    return TextCNN(choices, num_classes)


SPACE = ChoiceSpace("text-cnn", CHOICES, build, region_input_shape=(2,))


def example_tokens(count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Sequences in which each of four classes prefers tokens of its own."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 4
    common = rng.integers(0, VOCABULARY, (count, LENGTH))
    own = labels[:, None] * (VOCABULARY // 4) + rng.integers(0, VOCABULARY // 4, (count, LENGTH))
    return np.where(rng.random((count, LENGTH)) < 0.5, own, common), labels


if __name__ == "__main__":
    tokens, classes = example_tokens()
    np.savez(sys.argv[1], x=tokens, y=classes)
