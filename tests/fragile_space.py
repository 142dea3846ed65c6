"""A space file whose architectures kill the worker that reads them: for tests of executors."""

from __future__ import annotations

from pathlib import Path

_SOURCE = """
import os, signal
from pathlib import Path
from tegnas.spaces import NasBench201

class Fragile(NasBench201):
    name = "fragile"

    def parse(self, text):
        for death in range({times} if os.getpid() != {main} else 0):
            try:  # each death is died once, whoever else is about to
                Path({deaths!r}, str(death)).touch(exist_ok=False)
            except FileExistsError:
                continue
            os.kill(os.getpid(), signal.SIGKILL)
        return super().parse(text)

SPACE = Fragile()
"""


def write_fragile_space(folder: Path, main: int, times: int) -> str:
    """A reference to a space on which the first ``times`` readers in other processes die."""
    deaths = folder / "deaths"
    deaths.mkdir()
    file = folder / "fragile.py"
    file.write_text(_SOURCE.format(deaths=str(deaths), main=main, times=times))
    return f"{file}:SPACE"
