# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of role variables in the READMEs, made from the argument specifications.

``cd tests && python3 -m toolchain.role_tables`` (with PyYAML) writes them between the markers. A unit test fails when
one is stale.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from .layout import ROOT

BEGIN = "<!-- role variables: begin, made by tests/toolchain/role_tables.py -->"
END = "<!-- role variables: end -->"
_BETWEEN = re.compile(r"<!-- role variables: begin[^>]*-->\n.*?<!-- role variables: end -->", re.DOTALL)
_CODE = re.compile(r"\b[OVCEM]\(([^()]*)\)")
_ROLE = re.compile(r"\bP\(([^()#]*)#role\)")
_PLAIN = re.compile(r"\b[IB]\(([^()]*)\)")

Options = dict[str, dict[str, Any]]


def roles(root: Path = ROOT) -> list[str]:
    """Names of all roles, found by looking."""
    return sorted(path.parent.parent.name for path in root.glob("roles/*/meta/argument_specs.yml"))


def options(role: str, root: Path = ROOT) -> Options:
    """Options of the main entry point, in the order of the file."""
    text = (root / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    found: Options = yaml.safe_load(text)["argument_specs"]["main"].get("options", {})
    return found


def role_table(entries: Options) -> str:
    """Name, type, default and meaning of every option."""
    rows = [
        f"| `{name}` | {_type(option)} | {_default(option)} | {_meaning(option)} |" for name, option in entries.items()
    ]
    return "\n".join(["| variable | type | default | meaning |", "|---|---|---|---|", *rows])


def overview(all_options: dict[str, Options]) -> str:
    """One row a role: its variables with their defaults."""
    rows = []
    for role, entries in all_options.items():
        names = ", ".join(f"`{name}` ({_default(option)})" for name, option in entries.items())
        rows.append(f"| [{role}](roles/{role}/README.md) | {names} |")
    return "\n".join(["| role | variables (defaults) |", "|---|---|", *rows])


def replaced(text: str, table: str) -> str | None:
    """The text with this table between its markers; None when it has none."""
    if not _BETWEEN.search(text):
        return None
    return _BETWEEN.sub(lambda _match: f"{BEGIN}\n\n{table}\n\n{END}", text)


def wanted(root: Path = ROOT) -> dict[Path, str]:
    """README -> what it should be, of all that have a place for their table."""
    all_options = {role: options(role, root) for role in roles(root)}
    tables = {_readme(root, role): role_table(entries) for role, entries in all_options.items()}
    tables[root / "README.md"] = overview(all_options)
    texts = {path: replaced(path.read_text(encoding="utf-8"), table) for path, table in tables.items() if path.exists()}
    return {path: text for path, text in texts.items() if text is not None}


def without_place(root: Path = ROOT) -> list[str]:
    """Roles whose README is missing or has no markers; the main one may be without."""
    having = wanted(root)
    return [role for role in roles(root) if _readme(root, role) not in having]


def _readme(root: Path, role: str) -> Path:
    return root / "roles" / role / "README.md"


def stale(root: Path = ROOT) -> list[Path]:
    """READMEs that are not what they should be."""
    return [path for path, text in wanted(root).items() if path.read_text(encoding="utf-8") != text]


def _type(option: dict[str, Any]) -> str:
    kind = option.get("type", "str")
    return f"{kind} of {option['elements']}" if "elements" in option else kind


def _default(option: dict[str, Any]) -> str:
    if option.get("required"):
        return "required"
    value = option.get("default")
    return "none" if value is None else f"`{value if isinstance(value, str) and value else json.dumps(value)}`"


def _meaning(option: dict[str, Any]) -> str:
    description = option["description"]
    text = " ".join([description] if isinstance(description, str) else description)
    text = _PLAIN.sub(r"\1", _ROLE.sub(r"`\1`", _CODE.sub(r"`\1`", text)))
    if "choices" in option:
        text += " One of " + ", ".join(f"`{choice}`" for choice in option["choices"]) + "."
    return " ".join(text.split()).replace("|", "\\|")


def main() -> int:
    """Write what is stale, and say so."""
    for path in stale():
        path.write_text(wanted()[path], encoding="utf-8")
        print(f"written: {path.relative_to(ROOT)}")
    for role in without_place():
        print(f"roles/{role}/README.md needs the lines\n{BEGIN}\n{END}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
