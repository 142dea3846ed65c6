"""Tables for pandas, which is optional."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tegnas.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def frame(columns: Mapping[str, Any]) -> pd.DataFrame:
    """The columns by name as a pandas table; ``InputError`` if pandas is missing."""
    try:
        import pandas as pd
    except ImportError:
        raise InputError("a table needs pandas; install it with: pip install pandas") from None
    return pd.DataFrame(dict(columns))
