"""The only door to native code: typed functions over ``torch.ops.tegnas``.

Importing this loads the compiled extension and raises ``tegnas.errors.NativeCodeError`` if it is
missing or doesn't fit the installed torch.
"""

from tegnas.ops._library import build_info, native_ops  # isort: skip  (registers the operators)
from tegnas.ops import _fork as _fork
from tegnas.ops._device import compute_device, describe_device
from tegnas.ops._eigen import EigCondition, eig_condition
from tegnas.ops._engine import (
    EngineJobs,
    Programs,
    engine_ntk,
    engine_pattern_distances,
    engine_regions,
)
from tegnas.ops._equal_images import first_equals, with_equal_rows
from tegnas.ops._gram import Conv2dTerm, LayerTerm, LinearTerm, ScaleTerm, ntk_gram
from tegnas.ops._leave_one_out import LeaveOneOut, leave_one_out
from tegnas.ops._pattern_rank import pattern_rank
from tegnas.ops._plan import Launch, engine_plan, prepare_launches
from tegnas.ops._recorded import RecordedNtk
from tegnas.ops._regions import RegionCounter, count_regions, pack_signs, pattern_distances
from tegnas.ops._regression import kernel_regression_error
from tegnas.ops._template import write_programs

__all__ = [
    "Conv2dTerm",
    "EngineJobs",
    "EigCondition",
    "Launch",
    "LayerTerm",
    "LeaveOneOut",
    "LinearTerm",
    "Programs",
    "RecordedNtk",
    "RegionCounter",
    "ScaleTerm",
    "build_info",
    "compute_device",
    "count_regions",
    "describe_device",
    "engine_ntk",
    "engine_plan",
    "engine_pattern_distances",
    "engine_regions",
    "eig_condition",
    "first_equals",
    "kernel_regression_error",
    "leave_one_out",
    "native_ops",
    "ntk_gram",
    "pack_signs",
    "pattern_distances",
    "pattern_rank",
    "prepare_launches",
    "with_equal_rows",
    "write_programs",
]
