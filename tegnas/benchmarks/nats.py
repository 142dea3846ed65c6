"""The official NAS-Bench-201 and NATS-Bench files, through the package ``nats_bench``."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from tegnas.benchmarks.table import AccuracyTable
from tegnas.errors import InputError

DATASETS = ("cifar10", "cifar10-valid", "cifar100", "ImageNet16-120")
_SUFFIX = "-accuracy"
_PTH = ".pth"
# The files of NAS-Bench-201 name the two training schedules, those of NATS-Bench number them.
_PTH_SCHEDULES = {"200": "full", "12": "less"}


def load_nats_bench(
    path: str | PathLike[str],
    dataset: str = "cifar10",
    hp: str = "200",
    column: str | None = None,
) -> AccuracyTable:
    """Reads accuracies from a benchmark of the NAS-Bench-201 (topology) space.

    The values are those of the last epoch, averaged over the seeds that were trained.

    NATS-Bench files are pickles that ``nats_bench`` unpickles without restriction: open only
    files from the benchmark's authors.

    Args:
        path: ``NATS-tss-v1_0-3ffb9.pickle.pbz2``, the folder ``NATS-tss-v1_0-3ffb9-simple``
            (faster to open), or the older ``NAS-Bench-201-v1_*.pth``.
        dataset: ``cifar10`` (trained on the training and validation set), ``cifar10-valid``
            (trained on half of it), ``cifar100`` or ``ImageNet16-120``.
        hp: training schedule, number of epochs: "200" or "12".
        column: ``test-accuracy`` by default; also ``train-accuracy`` and, where the benchmark
            has them, ``valid-accuracy`` and ``valtest-accuracy`` (on both sets together).

    Raises:
        InputError: ``nats_bench`` is not installed, the file or folder is missing or can't be
            read, or it holds nothing for ``dataset``, ``hp`` or ``column``.

    Source: Dong et al., NATS-Bench (arXiv 2009.00437); Dong & Yang, NAS-Bench-201
    (arXiv 2001.00326).
    """
    if dataset not in DATASETS:
        raise InputError(f"unknown data set '{dataset}'; the benchmark has {', '.join(DATASETS)}")
    file = Path(path).expanduser()
    api = _open(file)
    schedule = _PTH_SCHEDULES.get(str(hp), str(hp)) if file.suffix == _PTH else str(hp)
    table: dict[str, dict[str, float]] = {}
    columns: dict[str, None] = {}
    for index in _evaluated(api):
        accuracies = _accuracies(api, index, dataset, schedule, file)
        if api.fast_mode:
            # nats_bench keeps all it has read: gigabytes of learning curves by the end.
            api.arch2infos_dict.pop(index, None)
        table[str(api.arch(index))] = accuracies
        columns.update(dict.fromkeys(accuracies))
    if not columns:
        raise InputError(f"{file} holds no accuracy for the data set '{dataset}'")
    default = column or f"test{_SUFFIX}"
    return AccuracyTable(table, tuple(columns), default, str(file))


def _open(file: Path) -> Any:
    try:
        import nats_bench
    except ImportError:
        raise InputError(
            "reading the official benchmark files needs the package nats_bench; install it with: "
            "pip install 'tegnas[nats]'"
        ) from None
    if not file.exists():
        raise InputError(f"the benchmark {file} does not exist; check the path")
    try:
        content = _read_pth(file) if file.suffix == _PTH else str(file)
        return nats_bench.create(content, "tss", fast_mode=file.is_dir(), verbose=False)
    except Exception as error:  # the package lets whatever its pickle raises through
        raise InputError(
            f"nats_bench can't read {file} ({type(error).__name__}: {error}); it may be truncated "
            "or no file of NATS-Bench's topology space"
        ) from None


def _read_pth(file: Path) -> Any:
    import torch

    return torch.load(file, map_location="cpu", weights_only=True)


def _evaluated(api: Any) -> list[int]:
    # A folder is read as it is queried: until then nats_bench counts nothing in it as evaluated.
    return list(range(len(api))) if api.fast_mode else sorted(api.evaluated_indexes)


def _accuracies(api: Any, index: int, dataset: str, schedule: str, file: Path) -> dict[str, float]:
    """The entries of one architecture that are called accuracy; none if it wasn't trained."""
    try:
        info = api.get_more_info(index, dataset, hp=schedule, is_random=False)
    except Exception as error:
        if isinstance(error, KeyError) and error.args == (dataset,):
            return {}
        if isinstance(error, KeyError) and error.args == (schedule,):
            raise InputError(
                f"{file} holds no results of the training schedule '{schedule}' (hp); the "
                "benchmark has 12 and 200"
            ) from None
        raise InputError(
            f"{file} has no readable data of architecture {index} "
            f"({type(error).__name__}: {error}); get it again"
        ) from None
    return {
        name: float(value)
        for name, value in info.items()
        if name.endswith(_SUFFIX) and value is not None
    }
