"""``tegnas doctor``."""

from __future__ import annotations

import json
import platform

import numpy
import scipy
import torch
from rich.table import Table

from tegnas import ops
from tegnas._version import __version__
from tegnas.cli import options
from tegnas.cli.terminal import output


def doctor(as_json: options.Json = False) -> None:
    """Show versions, the native build, SIMD level, CUDA devices and native operators."""
    facts = collect()
    if as_json:
        print(json.dumps(facts))
        return
    table = Table(show_header=False)
    for name, value in facts.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        table.add_row(name, text or "none")
    output().print(table)


def collect() -> dict[str, object]:
    """The facts that ``tegnas doctor`` shows."""
    devices = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "tegnas": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "threads": torch.get_num_threads(),
        **ops.build_info(),
        "CUDA of torch": torch.version.cuda or "none",
        "CUDA devices": devices,
        "native operators": list(ops.native_ops()),
    }
