# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing several files or none, on real files."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _file_set, _safe_file
from ansible_collections.closewait.remediation.plugins.module_utils._file_set import Change


@pytest.fixture(name="place")
def fixture_place(tmp_path: Path) -> Path:
    """Files a (0640) and b (0600)."""
    (tmp_path / "a").write_bytes(b"one\n")
    (tmp_path / "a").chmod(0o640)
    (tmp_path / "b").write_bytes(b"\xff\x00two")
    (tmp_path / "b").chmod(0o600)
    return tmp_path


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def _names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def test_all_are_written_with_copies(place: Path) -> None:
    changes = [
        Change(str(place / "a"), b"one\n", b"three\n", None),
        Change(str(place / "b"), b"\xff\x00two", None, None),
        Change(str(place / "new"), None, b"four\n", str(place / "a")),
        Change(str(place / "plain"), None, b"five\n", None),
    ]
    written = _file_set.write(changes, str(place / "backups"))
    assert (place / "a").read_bytes() == b"three\n"
    assert (place / "new").read_bytes() == b"four\n"
    assert (_mode(place / "a"), _mode(place / "new"), _mode(place / "plain")) == (0o640, 0o640, 0o644)
    assert _names(place) == ["a", "backups", "new", "plain"]
    assert [item.path for item in written] == [change.path for change in changes]
    assert [None if item.backup is None else Path(item.backup).read_bytes() for item in written] == [
        b"one\n",
        b"\xff\x00two",
        None,
        None,
    ]
    assert [_mode(Path(item.backup)) for item in written if item.backup] == [0o640, 0o600]


@pytest.mark.parametrize("before", [b"onE\n", None], ids=["other-text", "not-there"])
def test_a_file_that_somebody_changed_stops_all(place: Path, before: bytes | None) -> None:
    changes = [
        Change(str(place / "b"), b"\xff\x00two", None, None),
        Change(str(place / "new"), None, b"four\n", None),
        Change(str(place / "a"), before, b"three\n", None),
    ]
    with pytest.raises(_file_set.ChangedError, match="/a was changed by someone else"):
        _file_set.write(changes, str(place / "backups"))
    assert (place / "a").read_bytes() == b"one\n"
    assert (place / "b").read_bytes() == b"\xff\x00two"
    assert _mode(place / "b") == 0o600
    assert _names(place) == ["a", "b", "backups"]


def test_a_file_that_is_gone_stops_all(place: Path) -> None:
    with pytest.raises(_file_set.ChangedError):
        _file_set.write([Change(str(place / "gone"), b"was here", b"x", None)], str(place / "backups"))
    assert _names(place) == ["a", "b"]


def test_a_folder_that_is_missing_stops_all(place: Path) -> None:
    changes = [
        Change(str(place / "a"), b"one\n", b"three\n", None),
        Change(str(place / "no" / "new"), None, b"four\n", None),
    ]
    with pytest.raises(OSError, match="No such file"):
        _file_set.write(changes, str(place / "backups"))
    assert (place / "a").read_bytes() == b"one\n"


def test_what_cannot_be_put_back_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = _safe_file.replace

    def full_after_the_first(path: str, content: bytes, like: str | None) -> None:
        if content != b"three\n":
            raise OSError(28, "No space left on device", path)
        really(path, content, like)

    monkeypatch.setattr(_safe_file, "replace", full_after_the_first)
    changes = [
        Change(str(place / "a"), b"one\n", b"three\n", None),
        Change(str(place / "b"), b"\xff\x00two", b"four", None),
    ]
    with pytest.raises(_file_set.HalfWrittenError) as caught:
        _file_set.write(changes, str(place / "backups"))
    assert str(place / "a") in str(caught.value)
    assert str(place / "backups") in str(caught.value)


def test_a_link_that_leads_nowhere_is_an_error_and_no_missing_file(place: Path) -> None:
    (place / "link").symlink_to(place / "nowhere")
    with pytest.raises(FileNotFoundError):
        _file_set.content(str(place / "link"))
    assert _file_set.content(str(place / "nowhere")) is None
