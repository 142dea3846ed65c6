"""Architectures taken out of tegnas: PyTorch source, text, JSON, ONNX."""

from __future__ import annotations

from tegnas.export.onnx import export_onnx
from tegnas.export.pytorch import pytorch_source
from tegnas.export.text import from_json, genotype_text, index_text, naslib_text, to_json

__all__ = [
    "export_onnx",
    "from_json",
    "genotype_text",
    "index_text",
    "naslib_text",
    "pytorch_source",
    "to_json",
]
