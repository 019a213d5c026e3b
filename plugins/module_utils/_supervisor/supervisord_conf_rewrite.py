# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of programs changed where they stand; every other byte of every file stays as it is. Pure."""

from __future__ import annotations

from typing import Iterable, Mapping, NamedTuple

from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import programs
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import supervisord_conf as conf
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import supervisord_conf_files as files
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.programs import Settings, Value
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_conf import (
    ConfError,
    Section,
)
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_conf_files import Tree


class Rewritten(NamedTuple):
    """``tree``: as it is afterwards; ``changed``: real paths of the files whose text is another one."""

    tree: Tree
    changed: list[str]


def rewrite(tree: Tree, wanted: Mapping[str, Mapping[str, Value]]) -> Rewritten:
    """Set options by section. An option whose value means the same already is left as it is written."""
    new = tree
    for part, options in wanted.items():
        # Twice, as killasgroup follows stopasgroup unless it is set.
        for name, value in [*options.items(), *options.items()]:
            if getattr(programs.settings(new, part), name) != value:
                new = _set(new, part, name, _written(value))
        _check(programs.settings(new, part), part, options)
    changed = [old.path for old, now in zip(tree.files, new.files) if old.text != now.text]
    return Rewritten(new, changed)


def shown(tree: Tree, parts: Iterable[str]) -> str:
    """The settings of some sections as text, a section and its four values; commands and secrets are not in it."""
    blocks = []
    for part in parts:
        values = ("%s=%s" % (name, _text(value)) for name, value in programs.settings(tree, part)._asdict().items())
        blocks.append("[%s]\n%s\n" % (part, "\n".join(values)))
    return "\n".join(blocks)


def _check(settings: Settings, part: str, options: Mapping[str, Value]) -> None:
    for name, value in options.items():
        if getattr(settings, name) != value:
            raise ConfError("[%s] %s is still %s after the change" % (part, name, getattr(settings, name)))


def _set(tree: Tree, part: str, name: str, text: str) -> Tree:
    found = files.place(tree, part, name)
    own = found is not None and any(
        found.option in section.options for section in tree.files[found.file].sections if section.name == part
    )
    if found is not None and own:
        return _with_text(tree, found.file, _replaced(tree.files[found.file].text, found.option.span, text))
    number, section = _definition(tree, part)
    return _with_text(tree, number, _added(tree.files[number].text, section, "%s=%s" % (name, text)))


def _definition(tree: Tree, part: str) -> tuple[int, Section]:
    # Where the command stands; the option is new, so any occurrence of the section would count.
    all_of_it = [
        (number, section) for number, file in enumerate(tree.files) for section in file.sections if section.name == part
    ]
    with_command = [item for item in all_of_it if any(option.name == "command" for option in item[1].options)]
    return (with_command or all_of_it)[-1]


def _replaced(text: str, span: conf.Span, value: str) -> str:
    lines = conf.lines(text)
    line = lines[span.line]
    end = _end_of(lines[span.last_line])
    if span.last_line != span.line:
        lines[span.line : span.last_line + 1] = [line[: span.start] + value + end]
    else:
        lines[span.line] = line[: span.start] + value + line[span.end :]
    return "".join(lines)


def _added(text: str, section: Section, entry: str) -> str:
    lines = conf.lines(text)
    at = max([section.line, *(option.span.last_line for option in section.options)])
    model = section.options[-1].span.line if section.options else section.line
    indent = lines[model][: len(lines[model]) - len(lines[model].lstrip())]
    newline = _end_of(lines[at]) or _end_of(lines[0]) or "\n"
    if not _end_of(lines[at]):
        lines[at] += newline
    lines.insert(at + 1, indent + entry + newline)
    return "".join(lines)


def _end_of(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _with_text(tree: Tree, number: int, text: str) -> Tree:
    # One file may be included twice, under two names: then both are that text.
    path = tree.files[number].path
    fresh = [
        file._replace(text=text, sections=conf.sections(text)) if file.path == path else file for file in tree.files
    ]
    return tree._replace(files=fresh)


def _written(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(value: object) -> str:
    return "(cannot be told)" if value is None else _written(value) if isinstance(value, (int, str)) else str(value)
