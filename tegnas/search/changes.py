"""What two configurations of a run differ in, in words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tegnas.errors import InputError
from tegnas.scoring.presets import get_preset, nearest_preset
from tegnas.scoring.settings import ScoreSettings

# How many settings that differ are named, and how many letters of each value.
_NAMED, _LONGEST = 4, 40


def changes_between(
    before: Mapping[str, Any], now: Mapping[str, Any], leave_out: Collection[str] = ()
) -> str:
    """The settings that differ, each by its own name, however deep it stands.

    Where scores are by two presets, these are named in place of all that they are made of.

    Args:
        before, now: configurations as ``run.json`` holds them, or parts of them.
        leave_out: fields that aren't looked at.
    """
    texts = list(dict.fromkeys(_differences(before, now, leave_out)))
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more


def _differences(
    previous: Mapping[str, Any], now: Mapping[str, Any], leave_out: Collection[str]
) -> Iterator[str]:
    other_strategy = previous.get("strategy") != now.get("strategy")
    for name in sorted(previous.keys() | now.keys(), key=_weight):
        before, after = previous.get(name), now.get(name)
        if name in leave_out or before == after:
            continue
        if name == "options" and other_strategy:  # each strategy has options of its own
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            if name == "score":
                presets, same = _presets(before, after)
                yield from presets
                yield from _differences(before, after, same)
            else:
                yield from _differences(before, after, ())
        elif name == "data":
            yield "the images differ"
        elif name == "indicators" and isinstance(before, list) and isinstance(after, list):
            yield from _indicators(before, after)
        else:
            yield f"{name} was {_shown(before)}, is {_shown(after)}"


def _indicators(before: list[str], now: list[str]) -> Iterator[str]:
    """Which names differ, or their weights, or that the order does."""
    gone = [each for each in before if each not in now]
    new = [each for each in now if each not in before]
    if gone and new:
        yield f"indicators had {', '.join(gone)}, have {', '.join(new)}"
    elif gone or new:
        yield f"indicators {'had' if gone else 'have'} {', '.join(gone or new)} besides"
    else:
        yield "the order of the indicators differs"


def _presets(before: dict[str, Any], now: dict[str, Any]) -> tuple[list[str], set[str]]:
    """That the presets differ, if they do, and the settings in which nothing else does."""
    try:
        known = [nearest_preset(ScoreSettings.from_json(each)) for each in (before, now)]
    except InputError:  # indicators of one's own, or another version's
        return [], set()
    (old, old_changes), (new, new_changes) = known
    if old == new:
        return [], set()
    same = get_preset(old).to_json().keys() - old_changes.keys() - new_changes.keys() - {"seed"}
    return [f"preset was {old!r}, is {new!r}"], same


def _weight(name: str) -> tuple[bool, bool, str]:
    """What decides more comes first; that the images differ, which has no value to show, last."""
    return name == "data", name not in ("space", "strategy"), name


def _shown(value: object) -> str:
    if isinstance(value, list):
        names = (each.get("name") if isinstance(each, dict) else each for each in value)
        text = ", ".join(map(str, names))
    else:
        text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
