"""Rows of tables that come with scikit-learn: sources that need no files."""

from __future__ import annotations

from tegnas.data.examples import as_examples, as_labels, standardised
from tegnas.data.source import ImageSource, Request, plain
from tegnas.errors import InputError


def open_wine(request: Request) -> ImageSource:
    """178 wines by 13 measurements, 3 classes, every column standardised."""
    return _open("load_wine", "wine")


def open_breast_cancer(request: Request) -> ImageSource:
    """569 tumours by 30 measurements, 2 classes, every column standardised."""
    return _open("load_breast_cancer", "breast-cancer")


def _open(loader: str, name: str) -> ImageSource:
    try:
        from sklearn import datasets
    except ImportError:
        raise InputError(
            f"the source '{name}' needs scikit-learn; install it with: pip install scikit-learn"
        ) from None
    rows, labels = getattr(datasets, loader)(return_X_y=True)
    examples = standardised(as_examples(rows, name), name)
    return plain(examples, *as_labels(labels, len(examples), name))
