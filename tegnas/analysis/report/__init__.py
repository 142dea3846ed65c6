"""One page that tells what searches found: as a file that needs no network, or kept up to date."""

from __future__ import annotations

from tegnas.analysis.report.live import LiveDocument
from tegnas.analysis.report.page import write_report
from tegnas.analysis.report.server import PageServer

__all__ = ["LiveDocument", "PageServer", "write_report"]
