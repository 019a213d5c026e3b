# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What README and docs say against what the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from readme.hosts import REPOSITORY
from readme.markdown import blocks, headings

DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_VARIABLE = re.compile(r"^\| `(closewait_\w+)` \| (.+?) \|", re.MULTILINE)
_INPUT = re.compile(r"\b(closewait_\w+)\s*\|\s*default\((?:'([^']*)'|(\d+))?")
#: Registered, set or looped over by the playbooks themselves.
_OWN = re.compile(r"^\s*(?:register|loop_var): (closewait_\w+)$|^\s+(closewait_\w+):", re.MULTILINE)


def _name(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _leads_somewhere(document: Path, link: str) -> bool:
    path, _hash, anchor = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    if not anchor:
        return target.exists()
    return target.is_file() and anchor in map(_anchor, headings(target.read_text(encoding="utf-8")))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_links_lead_somewhere(document: Path) -> None:
    links = [link for link in _LINK.findall(document.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not _leads_somewhere(document, link)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_blocks_are_closed(document: Path) -> None:
    assert all(block.language for block in blocks(document.read_text(encoding="utf-8")))


def _documented() -> dict[str, str]:
    text = (REPOSITORY / "docs" / "VARIABLES.md").read_text(encoding="utf-8")
    return {name: default.strip("`") for name, default in _VARIABLE.findall(text)}


def _playbooks() -> str:
    root = REPOSITORY / "playbooks"
    files = [path for path in root.rglob("*.yml") if "collections" not in path.relative_to(root).parts]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def _read_by_the_playbooks() -> dict[str, set[str]]:
    """Variable -> defaults that are literals, of every variable that a playbook reads with a default and never sets."""
    text = _playbooks()
    own = {registered or key for registered, key in _OWN.findall(text)}
    found: dict[str, set[str]] = {}
    for name, word, number in _INPUT.findall(text):
        if name not in own:
            found.setdefault(name, set()).update(filter(None, (word, number)))
    return found


def test_every_variable_is_documented_and_none_is_made_up() -> None:
    own = set(_read_by_the_playbooks())
    assert set(_documented()) - {"closewait_redis_host"} == own


def test_the_documented_defaults_are_those_of_the_playbooks() -> None:
    documented = _documented()
    differing = {name: values for name, values in _read_by_the_playbooks().items() if values - {documented[name]}}
    assert differing == {}
