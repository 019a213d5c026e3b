# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The border between what other machines sent and what the rules may rely on.

The shapes are TypedDicts. What conforms comes back as plain dicts, lists and scalars with only the keys of the shape,
so that neither Ansible's tagged containers nor a broken or hostile host's answer reach a rule.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

SCALARS = (str, bool, int, float)


class ShapeError(Exception):
    """The value does not have the shape; the text says where and what was wanted."""


def conform(value: object, shape: Any, where: str = "") -> Any:
    """A plain copy of ``value`` in this shape. Raises ShapeError at the first place that does not fit."""
    if is_typeddict(shape):
        return _record(value, shape, where)
    origin = get_origin(shape)
    if origin is types.UnionType:
        return _optional(value, get_args(shape), where)
    if origin is list:
        return _items(value, get_args(shape)[0], where)
    if origin is dict:
        return _mapping(value, get_args(shape)[1], where)
    if origin is Literal:
        return _word(value, get_args(shape), where)
    return _scalar(value, shape, where)


def _record(value: object, shape: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _unfit(value, "an object", where)
    plain = {}
    for key, wanted, required in _fields(shape):
        if key in value:
            plain[key] = conform(value[key], wanted, f"{where}.{key}")
        elif required:
            raise ShapeError(f"{where.lstrip('.') or 'it'} has no {key}")
    return plain


@cache
def _fields(shape: Any) -> list[tuple[str, Any, bool]]:
    """Name, shape and whether it must be there, of every key."""
    hints = get_type_hints(shape, include_extras=True)
    return [
        (key, get_args(hint)[0], False) if get_origin(hint) is NotRequired else (key, hint, shape.__total__)
        for key, hint in hints.items()
    ]


def _optional(value: object, shapes: tuple[Any, ...], where: str) -> Any:
    """A shape or None; no other unions occur."""
    if value is None and types.NoneType in shapes:
        return None
    return conform(value, next(shape for shape in shapes if shape is not types.NoneType), where)


def _items(value: object, shape: Any, where: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise _unfit(value, "a list", where)
    return [conform(item, shape, f"{where}[{position}]") for position, item in enumerate(value)]


def _mapping(value: object, shape: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _unfit(value, "an object", where)
    return {_scalar(key, str, where): conform(item, shape, f"{where}.{key}") for key, item in value.items()}


def _word(value: object, words: tuple[Any, ...], where: str) -> Any:
    if value not in words:
        raise ShapeError(f"{where.lstrip('.') or 'it'} should be one of {', '.join(map(str, words))}")
    return _untagged(value)


def _scalar(value: object, shape: Any, where: str) -> Any:
    if shape is Any:
        return plain(value)
    accepted = (int, float) if shape is float else (shape,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and shape is not bool):
        raise _unfit(value, shape.__name__, where)
    return _untagged(value)


def plain(value: object) -> Any:
    """JSON-like data of any shape as plain dicts, lists and scalars."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return _untagged(value)


def _untagged(value: object) -> Any:
    """The value without what Ansible's subclasses of str, int and float add."""
    for scalar in SCALARS:
        if isinstance(value, scalar):
            return scalar(value)
    return None if value is None else str(value)


def _unfit(value: object, wanted: str, where: str) -> ShapeError:
    return ShapeError(f"{where.lstrip('.') or 'it'} should be {wanted}, not {type(value).__name__}")
