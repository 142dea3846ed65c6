"""Python and JSON literals out of pasted text, read and never evaluated."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

# Longer than any architecture that is pasted with the log around it; a parser of Python takes
# hundreds of bytes per character of what it reads.
_LONGEST = 20_000
_ATTEMPTS = 100  # brackets without a partner, each of which costs a look at the rest of the text
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_JSON_NAMES = {"null": None, "true": True, "false": False}
# NumPy 2 prints its numbers as calls of these, and its strings as calls of np.str_.
_NUMBERS = {f"np.{kind}{bits}" for kind in ("int", "uint", "float") for bits in (8, 16, 32, 64)}


class NotLiteral(ValueError):
    """The text is no literal."""


def read_literal(text: str) -> Any:
    """The value of a literal: strings, numbers, None, lists, tuples, dictionaries and ranges.

    JSON's null, true and false and what NumPy prints (``np.int64(3)``) are understood.

    Raises:
        NotLiteral: the text is anything else, or longer than 20,000 characters.
    """
    return literal_value(_expression(text))


def read_call(text: str) -> tuple[list[Any], dict[str, Any]]:
    """Positional and keyword arguments of a call of literals, such as ``Genotype(normal=[…])``.

    Raises:
        NotLiteral: the text is no call, or an argument is no literal.
    """
    call = _expression(text)
    if not isinstance(call, ast.Call):
        raise NotLiteral
    names = [each.arg for each in call.keywords]
    if None in names or len(set(names)) < len(names):
        raise NotLiteral
    keywords = {str(each.arg): literal_value(each.value) for each in call.keywords}
    return [literal_value(each) for each in call.args], keywords


def bracketed(text: str, start: int) -> str | None:
    """The text from the opening bracket at ``start`` to the one that closes it; None without one.

    Brackets within quotes don't count.
    """
    expected: list[str] = []
    quote, skip = "", False
    for position in range(start, min(len(text), start + _LONGEST)):
        char = text[position]
        if skip:
            skip = False
        elif quote:
            skip = char == "\\"
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in _CLOSING:
            expected.append(_CLOSING[char])
        elif char in ")]}":
            if expected.pop() != char:
                return None
            if not expected:
                return text[start : position + 1]
    return None


def literals_in(text: str, depth: int = 3) -> Iterator[Any]:
    """The value of every dictionary, list and tuple in ``text`` that is a literal.

    Of brackets around more than a literal, such as a call, the inside is searched.
    """
    for part in outermost(text):
        try:
            yield read_literal(part)
        except NotLiteral:
            if depth:
                yield from literals_in(part[1:-1], depth - 1)


def outermost(text: str) -> Iterator[str]:
    """Every bracketed part of ``text``, none within another."""
    position, unmatched = 0, 0
    while position < len(text) and unmatched < _ATTEMPTS:
        part = None
        if text[position] in _CLOSING:
            part = bracketed(text, position)
            unmatched += part is None
        if part is not None:
            yield part
        position += len(part) if part else 1


def literal_value(node: ast.expr) -> Any:
    """The value of a literal's syntax tree; raises ``NotLiteral``."""
    try:
        return _value(node)
    except RecursionError:
        raise NotLiteral from None


def _expression(text: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise NotLiteral
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotLiteral from None


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | None):
        return node.value
    if isinstance(node, ast.Name) and node.id in _JSON_NAMES:
        return _JSON_NAMES[node.id]
    if isinstance(node, ast.List):
        return [_value(each) for each in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(each) for each in node.elts)
    if isinstance(node, ast.Dict):
        return _dictionary(node)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _value(node.operand)
        if type(value) in (int, float):
            return -value
    if isinstance(node, ast.Call) and not node.keywords:
        return _call(ast.unparse(node.func), [_value(each) for each in node.args])
    raise NotLiteral


def _dictionary(node: ast.Dict) -> dict[Any, Any]:
    read: dict[Any, Any] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        name = None if key is None else _value(key)
        if not isinstance(name, str | int) or name in read:
            raise NotLiteral
        read[name] = _value(value)
    return read


def _call(name: str, arguments: list[Any]) -> Any:
    if name == "range" and 1 <= len(arguments) <= 3 and all(type(a) is int for a in arguments):
        if arguments[2:] != [0]:
            return range(*arguments)
    elif name == "np.str_" and len(arguments) == 1 and isinstance(arguments[0], str):
        return arguments[0]
    elif name in _NUMBERS and len(arguments) == 1 and type(arguments[0]) in (int, float):
        return arguments[0]
    raise NotLiteral
