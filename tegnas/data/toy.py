"""Sources that need no files: handwritten digits from scikit-learn, and Gaussian noise."""

from __future__ import annotations

import numpy as np
import torch

from tegnas.data.normalise import Normalisation
from tegnas.data.resize import resize
from tegnas.data.source import ImageSource, Request, in_memory
from tegnas.errors import InputError

_DEFAULT_SIZE = 32
_NOISE_CLASSES = 10


def open_digits(request: Request) -> ImageSource:
    """The 1,797 handwritten digits that come with scikit-learn (8×8 grey, 10 classes).

    Brought to ``size``×``size`` (32 by default) by bilinear interpolation, as three equal channels
    (what published networks take), and normalised by the statistics of the whole set.

    Raises:
        InputError: scikit-learn is missing.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise InputError(
            "the source 'digits' needs scikit-learn; install it with: pip install scikit-learn"
        ) from None
    pixels, labels = load_digits(return_X_y=True)
    grey = torch.from_numpy(pixels.reshape(-1, 1, 8, 8) / 16.0).float()  # stored as 0 to 16
    images = resize(grey, request.size or _DEFAULT_SIZE).numpy()
    normalisation = Normalisation.of(images)
    return in_memory(np.repeat(images, 3, axis=1), labels.astype(np.int64), 10, normalisation)


def open_noise(request: Request) -> ImageSource:
    """Independent standard normal pixels, ``size``×``size`` (32 by default), 10 balanced classes.

    The labels say nothing about the images; they are balanced so that both splits hold at least
    two classes however few images are asked for.
    """
    size = request.size or _DEFAULT_SIZE
    per_class = -(-request.train // _NOISE_CLASSES) + -(-request.val // _NOISE_CLASSES)
    labels = np.repeat(np.arange(_NOISE_CLASSES), per_class)

    def read(indices: np.ndarray) -> np.ndarray:
        generator = torch.Generator().manual_seed(request.seed)
        return torch.randn(len(indices), 3, size, size, generator=generator).numpy()

    return ImageSource(labels, _NOISE_CLASSES, read, None)
