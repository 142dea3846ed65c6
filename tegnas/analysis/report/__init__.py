"""One HTML file that tells what searches found, and works without a network."""

from __future__ import annotations

from tegnas.analysis.report.page import write_report

__all__ = ["write_report"]
