"""Which indicators there are, and from where one of that name is taken.

A new indicator is a file of its own and one line in ``BUILTIN``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tegnas.errors import InputError
from tegnas.indicators.base import Indicator
from tegnas.indicators.comparison.az_nas import (
    AZ_COMPLEXITY,
    AZ_EXPRESSIVITY,
    AZ_PROGRESSIVITY,
    AZ_TRAINABILITY,
)
from tegnas.indicators.comparison.fisher import FISHER
from tegnas.indicators.comparison.grad_norm import GRAD_NORM
from tegnas.indicators.comparison.grasp import GRASP
from tegnas.indicators.comparison.jacob_cov import JACOB_COV
from tegnas.indicators.comparison.meco import MECO
from tegnas.indicators.comparison.naswot import NASWOT
from tegnas.indicators.comparison.snip import SNIP
from tegnas.indicators.comparison.swap import SWAP
from tegnas.indicators.comparison.synflow import SYNFLOW
from tegnas.indicators.comparison.zen import ZEN
from tegnas.indicators.comparison.zico import ZICO
from tegnas.indicators.kernel_rank import KERNEL_RANK
from tegnas.indicators.leave_one_out_error import LEAVE_ONE_OUT_ERROR
from tegnas.indicators.linear_regions import LINEAR_REGIONS
from tegnas.indicators.ntk_condition import NTK_CONDITION
from tegnas.indicators.ntk_regression_error import NTK_REGRESSION_ERROR
from tegnas.indicators.pattern_rank import PATTERN_RANK
from tegnas.indicators.size import FLOPS, PARAMETERS
from tegnas.indicators.variance_inflation import VARIANCE_INFLATION
from tegnas.user_file import is_reference, load_user_object

BUILTIN = (
    NTK_CONDITION,
    LINEAR_REGIONS,
    NTK_REGRESSION_ERROR,
    VARIANCE_INFLATION,
    LEAVE_ONE_OUT_ERROR,
    KERNEL_RANK,
    PATTERN_RANK,
    PARAMETERS,
    FLOPS,
    NASWOT,
    SYNFLOW,
    SNIP,
    GRASP,
    FISHER,
    GRAD_NORM,
    JACOB_COV,
    ZEN,
    ZICO,
    MECO,
    SWAP,
    AZ_EXPRESSIVITY,
    AZ_PROGRESSIVITY,
    AZ_TRAINABILITY,
    AZ_COMPLEXITY,
)

_BY_NAME = {each.name: each for each in BUILTIN}


def indicator_names() -> tuple[str, ...]:
    """The names of the indicators that come with tegnas."""
    return tuple(_BY_NAME)


def builtin(name: str) -> Indicator | None:
    """The indicator of that name that comes with tegnas, if there is one."""
    return _BY_NAME.get(name)


def get_indicator(name: str) -> Indicator:
    """The indicator of that name, or one from the user's file by ``FILE.py:NAME``.

    ``NAME=WEIGHT``, such as ``pattern_rank=1``, is the same with that weight.

    Raises:
        InputError: there is none of that name, the file can't be run, NAME in it is no indicator,
            or the weight isn't a positive number.
    """
    name, weight = split_weight(name)
    if is_reference(name):
        found = _from_file(name)
    else:
        known = builtin(name.strip().replace("-", "_").lower())
        if known is None:
            raise InputError(
                f"unknown indicator {name!r}; tegnas has {', '.join(_BY_NAME)}, and FILE.py:NAME"
            )
        found = known
    return found if weight is None else found.weighing(weight)


def split_weight(text: str) -> tuple[str, float | None]:
    """Name and weight of ``NAME=WEIGHT``; of ``NAME`` None.

    Raises:
        InputError: the weight isn't a positive number.
    """
    file, colon, last = text.rpartition(":") if is_reference(text) else ("", "", text)
    name, given, weight = last.partition("=")
    if not given:
        return text, None
    try:
        number = float(weight)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise InputError(
            f"{text!r} should give the weight of the indicator as a positive number, such as "
            f"{file}{colon}{name}=0.5"
        )
    return file + colon + name, number


def recorded_name(indicator: Indicator) -> str:
    """By which settings that are written name an indicator: ``read_recorded`` reads it.

    Name or reference, as ``get_indicator`` takes it, with the weight where it isn't the usual one.
    """
    name = indicator.reference or indicator.name
    if indicator.weight == indicator.usual_weight:
        return name
    return f"{name}={indicator.weight!r}".removesuffix(".0")


def read_recorded(text: str, own: Mapping[str, Indicator]) -> Indicator | None:
    """The indicator of one's own that ``recorded_name`` wrote; None where it is none of these.

    Args:
        text: what was written.
        own: indicators by reference, or by name where they have none.
    """
    name, weight = split_weight(text)
    found = own.get(name)
    if found is None:
        return None
    return found.weighing(weight or found.usual_weight or 1.0)


def as_indicators(values: Iterable[Indicator | str]) -> tuple[Indicator, ...]:
    """Indicators by value or by name, each once.

    Raises:
        InputError: none at all, an unknown one, or two of one name.
    """
    found = tuple(get_indicator(each) if isinstance(each, str) else each for each in values)
    for each in found:
        if not isinstance(each, Indicator):
            raise InputError(
                f"{each!r} is not an indicator; use a name, or decorate a function with "
                "tegnas.indicator"
            )
    names = [each.name for each in found]
    if not names:
        raise InputError("scores need at least one indicator")
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InputError(f"the indicator {min(twice)!r} is named twice")
    return found


def joined_indicators(*groups: Iterable[Indicator | str]) -> tuple[Indicator, ...]:
    """Several groups of indicators as one: of two of one name the later takes the other's place.

    Raises:
        InputError: none at all, an unknown one, or two of one name in one group.
    """
    found: dict[str, Indicator] = {}
    for group in map(tuple, groups):
        found |= {each.name: each for each in as_indicators(group)} if group else {}
    return as_indicators(found.values())


def _from_file(reference: str) -> Indicator:
    found = load_user_object(reference, "indicator")
    value = found.value
    if not isinstance(value, Indicator):
        raise InputError(
            f"{found.name} in {found.path} is a {type(value).__name__} and not an indicator; "
            "decorate it with tegnas.indicator"
        )
    if value.name in _BY_NAME:
        raise InputError(f"{found.path}: tegnas has an indicator {value.name!r}; name it otherwise")
    return replace(value, version=found.fingerprint, reference=found.reference)
