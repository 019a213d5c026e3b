# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a roll-back writes, refuses and shows, on real files."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._file_set import Change
from ansible_collections.closewait.remediation.plugins.module_utils._ledger import record as ledger_record
from ansible_collections.closewait.remediation.plugins.module_utils._ledger import restore as ledger_restore
from ansible_collections.closewait.remediation.plugins.module_utils._ledger.record import LedgerError, RecordedFile
from ansible_collections.closewait.remediation.plugins.module_utils._ledger.states import Target


@pytest.fixture(name="target")
def fixture_target(tmp_path: Path) -> Target:
    """Main was "old" and is "new", extra is new since."""
    (tmp_path / "main").write_bytes(b"new")
    (tmp_path / "extra").write_bytes(b"made")
    (tmp_path / "copy").write_bytes(b"old")
    sha256 = ledger_record.sha256
    extra = RecordedFile(str(tmp_path / "extra"), None, None, sha256(b"made"))
    main = RecordedFile(str(tmp_path / "main"), str(tmp_path / "copy"), sha256(b"old"), sha256(b"new"))
    return Target({extra.path: extra, main.path: main}, {main.path: main, extra.path: extra}, None, ["x"])


def test_all_is_put_back_the_main_file_first(target: Target, tmp_path: Path) -> None:
    present = ledger_restore.look(target)
    assert ledger_restore.strangers(target, present) == []
    assert ledger_restore.changes(target, present) == [
        Change(str(tmp_path / "main"), b"new", b"old", str(tmp_path / "copy")),
        Change(str(tmp_path / "extra"), b"made", None, None),
    ]


def test_what_is_back_already_needs_no_copy(target: Target, tmp_path: Path) -> None:
    (tmp_path / "main").write_bytes(b"old")
    (tmp_path / "extra").unlink()
    (tmp_path / "copy").unlink()
    present = ledger_restore.look(target)
    assert (ledger_restore.strangers(target, present), ledger_restore.changes(target, present)) == ([], [])


def test_what_somebody_else_changed_or_removed_is_named(target: Target, tmp_path: Path) -> None:
    (tmp_path / "main").unlink()
    (tmp_path / "extra").write_bytes(b"theirs")
    present = ledger_restore.look(target)
    assert ledger_restore.strangers(target, present) == [
        str(tmp_path / "main") + " (it is gone)",
        str(tmp_path / "extra"),
    ]
    assert ledger_restore.changes(target, present) == [
        Change(str(tmp_path / "main"), None, b"old", str(tmp_path / "copy")),
        Change(str(tmp_path / "extra"), b"theirs", None, None),
    ]


def test_a_copy_that_is_gone_is_an_error(target: Target, tmp_path: Path) -> None:
    (tmp_path / "copy").unlink()
    with pytest.raises(LedgerError, match=r"copy, the copy of .*main, is gone"):
        ledger_restore.changes(target, ledger_restore.look(target))


def test_a_copy_that_was_changed_is_not_used(target: Target, tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(b"evil")
    with pytest.raises(LedgerError, match="is not what was recorded"):
        ledger_restore.changes(target, ledger_restore.look(target))


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (b"a 1\ntimeout 5\n", b"a 1\ntimeout 0\n", ("timeout 5\n", "timeout 0\n")),
        (b"  TimeOut = 5\n", None, ("  TimeOut = 5\n", "")),
        (b"requirepass topsecret\n", b"requirepass other\n", ("(not shown)\n", "(not shown)\n")),
        (b'    DB="x",timeout 5\n', b"", ("(not shown)\n", "")),
        (None, b"timeout\n\ntimeout_x 5\n# timeout 5\n", ("", "timeout\n(not shown)\n(not shown)\n")),
        (b"\xfftimeout 5\n", b"", ("(not shown)\n", "")),
    ],
    ids=["ours", "removed", "secret", "continued", "new", "no-text"],
)
def test_only_our_own_settings_are_shown(before: bytes, after: bytes, shown: tuple[str, str]) -> None:
    assert ledger_restore.shown(Change("/x", before, after, None), ["TIMEOUT"]) == shown


def test_new_files_come_first(target: Target, tmp_path: Path) -> None:
    """As a file that includes others must find them."""
    (tmp_path / "main").write_bytes(b"made")
    (tmp_path / "extra").unlink()
    extra, main = target.first.values()
    swapped = Target({}, {}, None, [])._replace(
        first={
            extra.path: extra._replace(backup=main.backup, before_sha256=main.before_sha256),
            main.path: main._replace(backup=None, before_sha256=None),
        },
        last=target.last,
    )
    changes = ledger_restore.changes(swapped, ledger_restore.look(swapped))
    assert [(change.path, change.after) for change in changes] == [(extra.path, b"old"), (main.path, None)]
