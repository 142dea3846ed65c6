"""How long each file of a build took, from the log that ninja keeps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileTime:
    """Wall-clock seconds that one object file took to compile."""

    file: str
    seconds: float


def read_ninja_log(log: Path, root: Path) -> list[FileTime]:
    """The files that were compiled last, slowest first.

    Args:
        log: ``.ninja_log`` of version 5 to 7: start and end in milliseconds, time stamp, output
            and hash of the command, between tabs. A file that was built again has a later line.
        root: the folder of the object files, left out of their names.
    """
    last: dict[str, float] = {}
    for line in log.read_text().splitlines():
        fields = line.split("\t")
        if line.startswith("#") or len(fields) != 5:
            continue
        file = Path(fields[3])
        name = file.relative_to(root) if file.is_relative_to(root) else file
        last[name.as_posix()] = (int(fields[1]) - int(fields[0])) / 1e3
    times = [FileTime(name, seconds) for name, seconds in last.items()]
    return sorted(times, key=lambda each: -each.seconds)


def least_seconds(times: list[FileTime], cores: int) -> float:
    """The least that these files take on so many cores: the slowest, or an even share of all."""
    if not times:
        return 0.0
    return max(times[0].seconds, sum(each.seconds for each in times) / cores)
