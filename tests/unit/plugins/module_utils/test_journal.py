# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: appended, rotated, for its owner alone, and never through what somebody else has put there."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, Dict, List

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _journal
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import needs_root


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    return tmp_path / "log" / "closewait"


def _lines(path: Path) -> List[Dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folder_and_file_are_made_for_their_owner_alone(folder: Path) -> None:
    mask = os.umask(0)
    try:
        _journal.Journal(str(folder / "x.jsonl")).write([{"a": "ü\n"}, {"b": 2}])
    finally:
        os.umask(mask)
    assert _lines(folder / "x.jsonl") == [{"a": "ü\n"}, {"b": 2}]
    assert (_mode(folder), _mode(folder.parent), _mode(folder / "x.jsonl")) == (0o700, 0o700, 0o600)


def test_what_is_there_stays_and_is_closed_to_others(folder: Path) -> None:
    folder.mkdir(parents=True)
    file = folder / "x.jsonl"
    file.write_text('{"old": 1}\n')
    file.chmod(0o644)
    _journal.Journal(str(file)).write([{"new": 2}])
    assert _lines(file) == [{"old": 1}, {"new": 2}]
    assert _mode(file) == 0o600


def test_it_is_rotated_by_size_and_the_oldest_goes(folder: Path) -> None:
    journal = _journal.Journal(str(folder / "x.jsonl"), max_bytes=10, keep=2)
    for number in range(5):
        journal.write([{"number": number}])
    assert [_lines(folder / name) for name in ("x.jsonl", "x.jsonl.1", "x.jsonl.2")] == [
        [{"number": 4}],
        [{"number": 3}],
        [{"number": 2}],
    ]
    assert sorted(path.name for path in folder.iterdir()) == ["x.jsonl", "x.jsonl.1", "x.jsonl.2"]
    assert _mode(folder / "x.jsonl.1") == 0o600


def test_two_that_write_at_once_lose_nothing(folder: Path) -> None:
    journal = _journal.Journal(str(folder / "x.jsonl"), max_bytes=400, keep=100)
    writers = []
    for writer in range(3):
        child = os.fork()
        if not child:
            try:
                for number in range(40):
                    journal.write([{"writer": writer, "number": number}])
            finally:
                os._exit(0)
        writers.append(child)
    for child in writers:
        os.waitpid(child, 0)
    found = [line for path in folder.iterdir() for line in _lines(path)]
    assert sorted((line["writer"], line["number"]) for line in found) == [(w, n) for w in range(3) for n in range(40)]


def _refused(path: Path) -> str:
    with pytest.raises(_journal.JournalError) as failed:
        _journal.Journal(str(path)).write([{"a": 1}])
    return str(failed.value)


def test_a_link_in_place_of_the_file(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("kept")
    (folder / "x.jsonl").symlink_to(elsewhere)
    assert "x.jsonl cannot be written" in _refused(folder / "x.jsonl")
    (folder / "x.jsonl").unlink()
    os.link(str(elsewhere), str(folder / "x.jsonl"))
    assert "not a file of our own" in _refused(folder / "x.jsonl")
    assert elsewhere.read_text() == "kept"


def test_a_link_in_place_of_a_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    assert "cannot be written" in _refused(folder / "x.jsonl")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_something_that_is_no_file(folder: Path) -> None:
    folder.mkdir(parents=True)
    os.mkfifo(str(folder / "x.jsonl"))
    assert "cannot be written" in _refused(folder / "x.jsonl")
    assert "cannot be written" in _refused(folder)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_folder_in_which_others_may_write(folder: Path, mode: int) -> None:
    folder.mkdir(parents=True)
    folder.chmod(mode)
    assert "others may write" in _refused(folder / "x.jsonl")
    assert list(folder.iterdir()) == []


@needs_root
def test_a_folder_or_file_of_somebody_else(folder: Path) -> None:
    folder.mkdir(parents=True)
    os.chown(str(folder), 65534, 65534)
    assert "or own it" in _refused(folder / "x.jsonl")
    os.chown(str(folder), 0, 0)
    (folder / "x.jsonl").touch()
    os.chown(str(folder / "x.jsonl"), 65534, 65534)
    assert "not a file of our own" in _refused(folder / "x.jsonl")


def test_a_path_that_is_none(tmp_path: Path) -> None:
    assert "absolute" in _refused(Path("x.jsonl"))
    (tmp_path / "file").touch()
    assert "cannot be written" in _refused(tmp_path / "file" / "x.jsonl")


def test_a_file_system_that_takes_no_files() -> None:
    assert "cannot be written" in _refused(Path("/proc/closewait/x.jsonl"))


def test_nothing_stays_open(folder: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    _journal.Journal(str(folder / "x.jsonl")).write([{"a": 1}])
    _refused(Path("/proc/closewait/x.jsonl"))
    assert set(os.listdir("/proc/self/fd")) == before
