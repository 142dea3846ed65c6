"""The CUDA toolkit of the nvcc on PATH, and how and where the extension is built against it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

# Where no GPU is: ``check_cuda.py`` builds for these, sm_90 among them, and a dry run of
# ``check_gpu.py`` takes what it has built.
ARCH_LIST = "8.0;9.0+PTX"
WORK = Path("build", "check-cuda")


def library_folder(work: Path) -> Path:
    """Where a build under a folder puts the package."""
    return work / "lib"


def objects_folder(work: Path) -> Path:
    """Where it keeps object files, so that a second build compiles only what changed."""
    return work / "objects"


def cuda_home() -> Path:
    """The toolkit that the nvcc on PATH belongs to, also where that nvcc is a wrapper.

    Raises:
        SystemExit: there is no nvcc, or it doesn't say where its toolkit is.
    """
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        raise SystemExit("nvcc is not on PATH; install the CUDA toolkit or add it there.")
    done = subprocess.run(
        [nvcc, "--dryrun", "-x", "cu", "-E", os.devnull],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    found = re.search(r"^#\$ TOP=(.*)$", done.stdout, re.MULTILINE)
    if found is None:
        raise SystemExit(f"{nvcc} doesn't say where its toolkit is (--dryrun).")
    return Path(found.group(1)).resolve()


def build_environment(
    python: str | Path, home: Path, *, arch_list: str | None, jobs: int
) -> dict[str, str]:
    """The environment in which ``setup.py`` builds for CUDA.

    Args:
        python: the interpreter that has torch. Its packages hold headers that a small toolkit
            lacks (cuSPARSE, cuSOLVER, …).
        home: the toolkit.
        arch_list: as in TORCH_CUDA_ARCH_LIST; None for the GPUs that are there.
        jobs: files compiled at a time.
    """
    packages = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
    headers = [str(folder) for folder in sorted(Path(packages, "nvidia").glob("cu1*/include"))]
    before = [os.environ["CPATH"]] if os.environ.get("CPATH") else []
    environ = {
        **os.environ,
        "CUDA_HOME": str(home),
        "CPATH": os.pathsep.join([*headers, *before]),
        "FORCE_CUDA": "1",
        "MAX_JOBS": str(jobs),
        # The interpreter's own folder holds ninja.
        "PATH": os.pathsep.join([str(Path(python).parent), str(home / "bin"), os.environ["PATH"]]),
    }
    if arch_list is not None:
        environ["TORCH_CUDA_ARCH_LIST"] = arch_list
    return environ
