"""What the tools print, in a few lines each."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

from gpu.build_times import least_seconds, read_ninja_log

# Columns of `ncu --page raw --csv`, and what they are called here.
NCU_COLUMNS = {
    "gpu__time_duration.sum": "time",
    "dram__bytes.sum.per_second": "memory",
    "gpu__compute_memory_throughput.avg.pct_of_peak_sustained_elapsed": "memory %",
    "sm__throughput.avg.pct_of_peak_sustained_elapsed": "SM %",
    "sm__warps_active.avg.pct_of_peak_sustained_active": "occupancy %",
    "launch__registers_per_thread": "registers",
}
NCU_STALL = re.compile(r"smsp__average_warps_issue_stalled_(\w+?)_per_issue_active\.ratio")


def printed(text: str) -> list[str]:
    """The lines of a script of ours that begin with ``| `` (a table) or ``= `` (a result)."""
    return [line.removeprefix("= ") for line in text.splitlines() if line.startswith(("| ", "= "))]


def build(objects: Path) -> Callable[[str], list[str]]:
    """What was built for which GPUs, and which files took longest."""

    def read(text: str) -> list[str]:
        lines = re.findall(r"^tegnas: (torch .*)$", text, re.MULTILINE)[:1]
        log = objects / ".ninja_log"
        times = read_ninja_log(log, objects) if log.exists() else []
        if times:
            slowest = ", ".join(f"{Path(t.file).stem} {t.seconds:.0f}" for t in times[:4])
            total = sum(each.seconds for each in times)
            lines.append(
                f"{len(times)} files, {total:.0f} s of compiling; slowest: {slowest}; "
                f"on 16 cores at least {least_seconds(times, 16):.0f} s"
            )
        return lines + re.findall(r"^.*\berror\b.*$", text, re.MULTILINE)[:4]

    return read


def doctor(text: str) -> list[str]:
    """Versions, devices and how the extension was built."""
    wanted = ("torch", "CUDA devices", "cuda", "simd", "threads", "native operators")
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"[│|]", line) if cell.strip()]
        if len(cells) >= 2 and cells[0] in wanted:
            found.append(f"{cells[0]}: {cells[1]}")
    return found


def pytest(text: str) -> list[str]:
    """The last line, and the names of what failed."""
    failed = re.findall(r"^(?:FAILED|ERROR) .*$", text, re.MULTILINE)
    last = re.findall(
        r"^(?:=+ )?\d+ (?:passed|failed|skipped|error|deselected).*$", text, re.MULTILINE
    )
    return [line.strip("= ") for line in last[-1:]] + failed[:10]


def sanitizer(text: str) -> list[str]:
    """The summary of compute-sanitizer, and each kind of finding with the kernel it is in once."""
    marked = [line.removeprefix("=========").strip() for line in text.splitlines()]
    lines = [line for line in marked if "SUMMARY" in line]
    seen: dict[str, int] = {}
    for index, line in enumerate(marked):
        if re.match(r"(Invalid|Misaligned|Race reported|Error: Race|Program hit|Leaked)", line):
            where = next((w for w in marked[index : index + 3] if w.startswith("at ")), "")
            # Addresses and thread numbers tell occurrences of one finding apart.
            found = re.sub(r"0x[0-9a-f]+|\(\d+, ?\d+, ?\d+\)", "…", f"{line} {where}".strip())
            seen[found] = seen.get(found, 0) + 1
    return lines[-1:] + [f"{count} × {found}" for found, count in seen.items()][:8] + printed(text)


def ncu(text: str) -> list[str]:
    """A line per kernel, of its slowest launch: time, bandwidth, occupancy, what it waits for."""
    refused = re.findall(r"^==ERROR==.*$", text, re.MULTILINE)
    rows = _ncu_rows(text)
    slowest: dict[str, dict[str, str]] = {}
    for row in rows:
        name = row["Kernel Name"]
        if name not in slowest or _number(row) > _number(slowest[name]):
            slowest[name] = row
    return refused[:3] + [_ncu_line(row) for row in slowest.values()]


def _ncu_rows(text: str) -> list[dict[str, str]]:
    """The table that begins with the line of column names, whose second line holds the units."""
    lines = text.splitlines()
    begins = [index for index, line in enumerate(lines) if line.startswith('"ID"')]
    if not begins:
        return []
    rows = list(csv.DictReader(line for line in lines[begins[0] :] if line.startswith('"')))
    if not rows:
        return []
    units = rows[0]
    return [
        {name: _with_unit(value, units.get(name, ""), name) for name, value in row.items() if name}
        for row in rows[1:]
    ]


def _with_unit(value: str | None, unit: str | None, name: str) -> str:
    plain = unit in ("", "%", None) or name in ("ID", "Kernel Name")
    return (value or "") if plain else f"{value} {unit}"


_SECONDS = {"ns": 1e-9, "nsecond": 1e-9, "us": 1e-6, "usecond": 1e-6, "ms": 1e-3, "msecond": 1e-3}


def _number(row: dict[str, str]) -> float:
    """Seconds of a launch."""
    value, _, unit = row.get("gpu__time_duration.sum", "").partition(" ")
    return float(value.replace(",", "") or 0) * _SECONDS.get(unit, 1.0)


def _ncu_line(row: dict[str, str]) -> str:
    facts = [f"{label} {row[name]}" for name, label in NCU_COLUMNS.items() if row.get(name)]
    stalls = []
    for name, value in row.items():
        found = NCU_STALL.match(name)
        if found and value:
            stalls.append((float(value.split()[0].replace(",", "")), found.group(1)))
    waits = ", ".join(f"{name} {ratio:.1f}" for ratio, name in sorted(stalls, reverse=True)[:3])
    return f"{short_kernel(row['Kernel Name'])}: {', '.join(facts)}; waits: {waits or '?'}"


def short_kernel(name: str) -> str:
    """A kernel's name without return type, namespaces and arguments."""
    name = name.removeprefix("void ").replace("tegnas::cuda::", "").replace("tegnas::", "")
    depth = 0
    for index, character in enumerate(name):
        depth += {"<": 1, ">": -1}.get(character, 0)
        if character == "(" and depth == 0:
            return name[:index]
    return name
