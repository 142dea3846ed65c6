"""Examples for the indicators: every source becomes one immutable :class:`Batch`."""

from __future__ import annotations

from tegnas.data.batch import Batch
from tegnas.data.load import batch_of, load_batch
from tegnas.data.named import BatchLike, as_batch
from tegnas.data.source import ImageWarning
from tegnas.data.sources import describe_sources

__all__ = [
    "Batch",
    "BatchLike",
    "ImageWarning",
    "as_batch",
    "batch_of",
    "describe_sources",
    "load_batch",
]
