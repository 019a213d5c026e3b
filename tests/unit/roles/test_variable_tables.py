# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of variables are what the argument specifications say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.closewait.remediation.tests.toolchain import role_tables

ONE = """argument_specs:
  main:
    options:
      one_names:
        description: [Names of V(x|y)., "See O(one_wait) and M(a.b.c), P(a.b.two#role)."]
        type: list
        elements: str
        default: []
      one_wait: {description: How long., type: float, default: 2.5}
      one_path: {description: Where., type: path, required: true}
      one_how: {description: How., choices: [fast, slow], default: fast}
      one_word: {description: What., type: str, default: ""}
      one_flag: {description: Whether., type: bool}
"""
TABLE = """| variable | type | default | meaning |
|---|---|---|---|
| `one_names` | list of str | `[]` | Names of `x\\|y`. See `one_wait` and `a.b.c`, `a.b.two`. |
| `one_wait` | float | `2.5` | How long. |
| `one_path` | path | required | Where. |
| `one_how` | str | `fast` | How. One of `fast`, `slow`. |
| `one_word` | str | `""` | What. |
| `one_flag` | bool | none | Whether. |"""


@pytest.fixture(name="root")
def fixture_root(tmp_path: Path) -> Path:
    """A repository with one role."""
    (tmp_path / "roles" / "one" / "meta").mkdir(parents=True)
    (tmp_path / "roles" / "one" / "meta" / "argument_specs.yml").write_text(ONE)
    (tmp_path / "roles" / "one" / "README.md").write_text(f"a\n{role_tables.BEGIN}\nold\n{role_tables.END}\nb\n")
    (tmp_path / "README.md").write_text("no markers\n")
    return tmp_path


def test_tables_are_up_to_date() -> None:
    advice = "cd tests && python3 -m toolchain.role_tables"
    assert [f"{path}: {advice}" for path in role_tables.stale()] == []
    assert role_tables.without_place() == []


def test_a_table_says_what_the_specification_says(root: Path) -> None:
    assert role_tables.role_table(role_tables.options("one", root)) == TABLE


def test_a_stale_table_is_found_and_replaced_alone(root: Path) -> None:
    readme = root / "roles" / "one" / "README.md"
    assert role_tables.stale(root) == [readme]
    readme.write_text(role_tables.wanted(root)[readme])
    assert role_tables.stale(root) == []
    assert readme.read_text() == f"a\n{role_tables.BEGIN}\n\n{TABLE}\n\n{role_tables.END}\nb\n"


def test_the_main_table_has_a_row_for_each_role(root: Path) -> None:
    (root / "README.md").write_text("<!-- role variables: begin -->\n<!-- role variables: end -->\n")
    text = role_tables.wanted(root)[root / "README.md"]
    assert "| [one](roles/one/README.md) | `one_names` (`[]`), `one_wait` (`2.5`), `one_path` (required)," in text


@pytest.mark.parametrize("text", ["nothing\n", None], ids=["no-markers", "no-file"])
def test_a_role_without_a_place_for_its_table_is_named(root: Path, text: str | None) -> None:
    assert role_tables.without_place(root) == []
    readme = root / "roles" / "one" / "README.md"
    readme.unlink()
    if text is not None:
        readme.write_text(text)
    assert role_tables.without_place(root) == ["one"]


def test_the_order_is_that_of_the_file() -> None:
    entries: dict[str, Any] = role_tables.options("redis_timeout")
    assert next(iter(entries)) == "redis_timeout_seconds"
