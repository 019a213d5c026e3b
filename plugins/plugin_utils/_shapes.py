# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The border between what other machines sent and what the rules may rely on.

The shapes are TypedDicts. What conforms comes back as plain dicts, lists and scalars with only the keys of the shape,
so that neither Ansible's tagged containers nor a broken or hostile host's answer reach a rule. A shape is turned into
a function once: a fleet sends tens of megabytes.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

Convert = Callable[[object], Any]

SCALARS = (str, bool, int, float)


class ShapeError(Exception):
    """The value does not have the shape. The text says where and what was wanted."""

    def __init__(self, says: str, where: str = "") -> None:
        super().__init__(f"{where.lstrip('.') or 'it'} {says}")
        self._says = says
        self._where = where

    def inside(self, part: str) -> ShapeError:
        """The same fault as seen from the container around the value."""
        return ShapeError(self._says, part + self._where)


def conform(value: object, shape: Any) -> Any:
    """A plain copy of ``value`` in this shape. Raises ShapeError at the first place that does not fit."""
    return _converter(shape)(value)


def plain(value: object) -> Any:
    """JSON-like data of any shape as plain dicts, lists and scalars, without what Ansible's subclasses of them add."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    for scalar in SCALARS:
        if isinstance(value, scalar):
            return scalar(value)
    return None if value is None else str(value)


@cache
def _converter(shape: Any) -> Convert:
    if is_typeddict(shape):
        return _record(shape)
    origin, arguments = get_origin(shape), get_args(shape)
    if origin is types.UnionType:
        return _optional(arguments)
    if origin is list:
        return _items(_converter(arguments[0]))
    if origin is dict:
        return _mapping(_converter(arguments[1]))
    if origin is Literal:
        return _word(arguments)
    return plain if shape is Any else _scalar(shape)


def _record(shape: Any) -> Convert:
    hints = get_type_hints(shape, include_extras=True)
    optional = {key for key, hint in hints.items() if get_origin(hint) is NotRequired or not shape.__total__}
    bare = {key: get_args(hint)[0] if get_origin(hint) is NotRequired else hint for key, hint in hints.items()}
    fields = [(key, _converter(hint), key in optional) for key, hint in bare.items()]

    def convert(value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _unfit(value, "an object")
        record = {}
        for key, convert_item, may_be_missing in fields:
            if key in value:
                try:
                    record[key] = convert_item(value[key])
                except ShapeError as fault:
                    raise fault.inside(f".{key}") from None
            elif not may_be_missing:
                raise ShapeError(f"has no {key}")
        return record

    return convert


def _optional(shapes: tuple[Any, ...]) -> Convert:
    """A shape or None; no other unions occur."""
    [convert_some] = [_converter(shape) for shape in shapes if shape is not types.NoneType]
    return lambda value: None if value is None else convert_some(value)


def _items(convert_item: Convert) -> Convert:
    def convert(value: object) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            raise _unfit(value, "a list")
        items = []
        for position, item in enumerate(value):
            try:
                items.append(convert_item(item))
            except ShapeError as fault:
                raise fault.inside(f"[{position}]") from None
        return items

    return convert


def _mapping(convert_item: Convert) -> Convert:
    def convert(value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _unfit(value, "an object")
        mapping = {}
        for key, item in value.items():
            try:
                mapping[str(key)] = convert_item(item)
            except ShapeError as fault:
                raise fault.inside(f".{key}") from None
        return mapping

    return convert


def _word(words: tuple[Any, ...]) -> Convert:
    def convert(value: object) -> Any:
        if value not in words:
            raise ShapeError(f"should be one of {', '.join(map(str, words))}")
        return words[words.index(value)]

    return convert


def _scalar(shape: Any) -> Convert:
    accepted = (int, float) if shape is float else (shape,)

    def convert(value: object) -> Any:
        if value.__class__ is shape:
            return value
        if not isinstance(value, accepted) or (isinstance(value, bool) and shape is not bool):
            raise _unfit(value, shape.__name__)
        return plain(value)

    return convert


def _unfit(value: object, wanted: str) -> ShapeError:
    return ShapeError(f"should be {wanted}, not {type(value).__name__}")
