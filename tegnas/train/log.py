"""The log of a training, as CSV and as one JSON object per line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tegnas.files import write_atomically

LOG = "log.jsonl"


@dataclass(frozen=True)
class EpochReport:
    """One epoch, counted from 1; losses are means, accuracies percentages, seconds wall clock."""

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds: float


def write_log(directory: Path, reports: Sequence[EpochReport]) -> None:
    """``log.csv`` and ``log.jsonl``, written anew, so that they hold each epoch once."""
    rows = [asdict(report) for report in reports]
    text = io.StringIO()
    writer = csv.DictWriter(text, [each.name for each in fields(EpochReport)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(directory / "log.csv", text.getvalue())
    write_atomically(directory / LOG, "".join(json.dumps(row) + "\n" for row in rows))
