# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that nobody reads half-written."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils import _report_files
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Plan

PLAN: Plan = {"schema_version": 1, "allow": "live", "actions": [], "not_healed": []}


def test_written_for_the_owner_only_and_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    path = Path(_report_files.write(folder, "plan.json", PLAN))
    assert path == folder / "plan.json"
    assert [stat.S_IMODE(place.stat().st_mode) for place in (folder, path)] == [0o700, 0o600]
    assert _report_files.read(folder, "plan.json", Plan) == PLAN
    assert [entry.name for entry in folder.iterdir()] == ["plan.json"]


def test_replaced_in_one_step_never_through_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("keep")
    (tmp_path / "plan.json").symlink_to(victim)
    _report_files.write(tmp_path, "plan.json", PLAN)
    assert victim.read_text() == "keep"
    assert not (tmp_path / "plan.json").is_symlink()


def test_a_failure_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    _report_files.write(tmp_path, "plan.json", PLAN)
    with pytest.raises(ValueError, match="Out of range float"):
        _report_files.write(tmp_path, "plan.json", {"x": float("nan")})
    assert json.loads((tmp_path / "plan.json").read_text()) == PLAN
    assert [entry.name for entry in tmp_path.iterdir()] == ["plan.json"]


def test_control_characters_are_escaped(tmp_path: Path) -> None:
    path = Path(_report_files.write(tmp_path, "x.json", {"name": "\x1b[2J\u202e"}))
    assert path.read_bytes().isascii()
    assert b"\x1b" not in path.read_bytes()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "Expecting property name"),
        ("[]", "it should be an object, not list"),
        ('{"schema_version": 2, "allow": "live", "actions": [], "not_healed": []}', "schema version 2, not 1"),
        ('{"schema_version": 1, "allow": "all", "actions": [], "not_healed": []}', "allow should be one of"),
    ],
)
def test_a_file_that_is_no_such_document(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(ValueError, match=says):
        _report_files.read(tmp_path, "plan.json", Plan)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        _report_files.read(tmp_path, "plan.json", Plan)
