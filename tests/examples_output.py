"""Examples of the documentation with other libraries, and the output that their pages print."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "with"
_BLOCKS = re.compile(
    r'^```python\n--8<-- "(examples/\w+\.py)"\n```\n+```text\n(.*?)^```', re.DOTALL | re.MULTILINE
)
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")


def printed_examples() -> dict[str, str]:
    """By file of the example: the output that the page below it shows."""
    return {
        example: text
        for page in sorted(PAGES.glob("*.md"))
        for example, text in _BLOCKS.findall(page.read_text("utf-8"))
    }


def run_example(file: str) -> str:
    """What an example prints, run where the process is."""
    source = (ROOT / file).read_text("utf-8")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(source, file, "exec"), {"__name__": "__main__"})
    return out.getvalue()


def words_and_numbers(text: str) -> tuple[str, list[float]]:
    """A text without its numbers, and these: other processors round otherwise."""
    numbers = [float(each.replace(",", "")) for each in _NUMBER.findall(text)]
    return " ".join(_NUMBER.sub("#", text).split()), numbers
