# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each file as crossplane reads it (https://github.com/nginxinc/crossplane).

The place of a word comes from this collection's own reader, for crossplane knows lines only. What the two make of a
file has to be the same, or nothing is changed.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import syntax as nginx_syntax
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.syntax import Statement
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.plan_error import PlanError

#: (directive, arguments, block or None), for a whole file in its order.
Node = tuple[str, tuple[str, ...], "tuple[Node, ...] | None"]

_MISSING = (
    "the Python library crossplane is not installed on the controller, in the environment of ansible-core: "
    "python -m pip install crossplane"
)
# Both as long as what they stand for.
_LUA, _PLAIN = "_by_lua_block", "_by_lua_plain"
# Not spaces to Python, as some of the bytes from 0x80 on would be.
_NOT_ASCII = {code: chr(0xE000 + code) for code in range(0x80, 0x100)}
_BACK = {chr(0xE000 + code): chr(code) for code in range(0x80, 0x100)}


def trees(texts: Mapping[str, str]) -> dict[str, tuple[Node, ...]]:
    """Every file as both read it. Raises PlanError when crossplane is missing, fails or reads something else."""
    with tempfile.TemporaryDirectory(prefix="closewait-nginx-") as folder:
        return {path: _agreed(path, text, Path(folder) / "nginx.conf") for path, text in texts.items()}


def _agreed(path: str, text: str, scratch: Path) -> tuple[Node, ...]:
    statements = nginx_syntax.parse(text)
    scratch.write_text(_masked(text, statements).translate(_NOT_ASCII), newline="", encoding="utf-8")
    theirs = _nodes(_payload(path, scratch))
    if theirs != _own_nodes(statements, text):
        raise PlanError(f"{path}: crossplane reads this file in another way than this collection, so it is left alone")
    return theirs


def _payload(path: str, scratch: Path) -> Sequence[Mapping[str, Any]]:
    try:
        crossplane = importlib.import_module("crossplane")
    except ImportError as exc:
        raise PlanError(_MISSING) from exc
    payload = crossplane.parse(str(scratch), single=True, check_ctx=False, check_args=False)
    if payload["errors"]:
        raise PlanError(f"{path}: crossplane cannot read it: {payload['errors'][0]['error']}")
    parsed: Sequence[Mapping[str, Any]] = payload["config"][0]["parsed"]
    return parsed


def _masked(text: str, statements: Sequence[Statement]) -> str:
    """The text with each Lua block as a directive without one: crossplane stumbles over some Lua that is right."""
    for statement in _lua_blocks(statements):
        inside = "".join(char if char in "\r\n" else " " for char in text[statement.body : statement.end])
        head = text[statement.start : statement.body - 1].replace(_LUA, _PLAIN)
        text = text[: statement.start] + head + ";" + inside + text[statement.end :]
    return text


def _lua_blocks(statements: Sequence[Statement]) -> list[Statement]:
    found = []
    for statement in statements:
        found += [statement] if statement.is_lua else _lua_blocks(statement.block or ())
    return found


def _nodes(parsed: Sequence[Mapping[str, Any]]) -> tuple[Node, ...]:
    # A comment between the words of a directive is there even when no comments are asked for.
    return tuple(_node(entry) for entry in parsed if entry["directive"] != "#")


def _node(entry: Mapping[str, Any]) -> Node:
    values = tuple("".join(_BACK.get(char, char) for char in value) for value in entry["args"])
    block = _nodes(entry["block"]) if "block" in entry else None
    return entry["directive"], values, block


def _own_nodes(statements: Sequence[Statement], text: str) -> tuple[Node, ...]:
    return tuple(_own_node(statement, text) for statement in statements)


def _own_node(statement: Statement, text: str) -> Node:
    name, *values = [_as_crossplane(text[word.start : word.end], quoted=word.quoted) for word in statement.words]
    if statement.is_lua:
        return name.replace(_LUA, _PLAIN), tuple(values), None
    block = None if statement.block is None else _own_nodes(statement.block, text)
    return name, tuple(_without_parentheses(values) if name == "if" else values), block


def _as_crossplane(raw: str, *, quoted: bool) -> str:
    """A word in crossplane's way: backslashes stay, but for those before the quote itself. Line ends are one byte."""
    raw = raw.replace("\r\n", "\n")
    return raw[1:-1].replace(f"\\{raw[0]}", raw[0]) if quoted else raw


def _without_parentheses(values: list[str]) -> list[str]:
    if not (values and values[0].startswith("(") and values[-1].endswith(")")):
        return values
    values[0] = values[0][1:].lstrip()
    values[-1] = values[-1][:-1].rstrip()
    return values[int(not values[0]) : len(values) - int(not values[-1])]
