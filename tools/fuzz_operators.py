"""Calls every operator with hostile numbers; any end but a result or a refusal is a finding.

    python tools/fuzz_operators.py --calls 100000 [--seed 0] [--seconds 300]
    python tools/fuzz_operators.py --sanitize --calls 100000

With ``--sanitize`` the extension is built with AddressSanitizer and UndefinedBehaviorSanitizer in
a folder of its own (build/sanitize) and the calls are made by processes that load that build, two
at a time. A read or write outside a buffer, or an overflow, ends such a process with a report.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "sanitize"
PROCESSES = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=300, help="stop after this time")
    parser.add_argument("--sanitize", action="store_true")
    options = parser.parse_args()
    if options.sanitize:
        return sanitized(options)
    return run(options.calls, options.seed, options.seconds)


def sanitized(options: argparse.Namespace) -> int:
    """Builds with sanitizers and calls from processes that load that build."""
    build = [sys.executable, "setup.py", "-q", "build_ext", "--build-lib", str(BUILD)]
    environ = os.environ | {"TEGNAS_SANITIZE": "1", "TEGNAS_CPU_ONLY": "1"}
    subprocess.run(build, cwd=ROOT, env=environ, check=True)
    # The sanitizers' own libraries must come before all others.
    libraries = [
        subprocess.run(
            ["g++", f"-print-file-name=lib{name}.so"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in ("asan", "ubsan")
    ]
    environ = os.environ | {
        "LD_PRELOAD": ":".join(libraries),
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",  # Python leaks by design
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "OMP_NUM_THREADS": "1",
    }
    share = -(-options.calls // PROCESSES)
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, "--calls", str(share), "--seconds", str(options.seconds)]
            + ["--seed", str(options.seed + worker)],
            cwd=ROOT,
            env=environ | {"TEGNAS_FUZZ_BUILD": str(BUILD)},
        )
        for worker in range(PROCESSES)
    ]
    return max(abs(worker.wait()) for worker in workers)


def run(calls: int, seed: int, seconds: float) -> int:
    """Makes the calls in this process; 0 where all of them ended in a result or a refusal."""
    sys.path.insert(0, str(ROOT))
    if "TEGNAS_FUZZ_BUILD" in os.environ:
        load_build(Path(os.environ["TEGNAS_FUZZ_BUILD"]))
    from hostile_calls import CALLS, Numbers  # the operators, once the build is chosen

    ends: Counter[str] = Counter()
    slowest = (0.0, "")
    begin = time.monotonic()
    for number in range(calls):
        if time.monotonic() - begin > seconds:
            print(f"stopped after {number} calls: {seconds:.0f} seconds are over")
            return 1
        rng = random.Random(f"{seed} {number}")
        name = rng.choice(list(CALLS))
        # Written first, so that a crash names its call.
        if os.environ.get("TEGNAS_FUZZ_VERBOSE"):
            print(f"seed {seed} call {number}: {name}", file=sys.stderr, flush=True)
        call_begin = time.monotonic()
        try:
            CALLS[name](Numbers(rng))
            end = "result"
        except (ValueError, TypeError) as refusal:
            end = "refusal"
            if len(str(refusal).splitlines()[0]) < 10:
                raise
        ends[f"{name}: {end}"] += 1
        slowest = max(slowest, (time.monotonic() - call_begin, f"{name}, call {number}"))
    for end, count in sorted(ends.items()):
        print(f"{count:7d}  {end}")
    print(
        f"{calls} calls in {time.monotonic() - begin:.0f} s; the slowest {slowest[0]:.2f} s "
        f"({slowest[1]})"
    )
    return 0


def load_build(folder: Path) -> None:
    """Takes ``tegnas._C`` from another folder than the package's own."""
    import importlib.util

    (file,) = (folder / "tegnas").glob("_C*.so")
    import torch  # noqa: F401  (the extension needs its libraries)

    spec = importlib.util.spec_from_file_location("tegnas._C", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tegnas._C"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    sys.exit(main())
