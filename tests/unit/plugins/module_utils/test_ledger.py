# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records as text, and the folder they are in."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._ledger import record as ledger_record
from ansible_collections.closewait.remediation.plugins.module_utils._ledger import store as ledger_store
from ansible_collections.closewait.remediation.plugins.module_utils._ledger.record import (
    LedgerError,
    Live,
    Record,
    RecordedFile,
)

NAME = "20260314T092653.589793Z-demo_role"
RECORD = Record(
    NAME,
    "demo_role",
    "[::1]:6379",
    "2026-03-14T09:26:53.589793Z",
    (
        RecordedFile("/etc/x.conf", "/b/x", ledger_record.sha256(b"old"), ledger_record.sha256(b"new")),
        RecordedFile("/etc/y.conf", None, None, ledger_record.sha256(b"")),
    ),
    Live({"timeout": 7, "policy": None}, {"timeout": 0, "policy": "x"}),
    None,
)


def _altered(**fields: Any) -> str:
    return json.dumps({**json.loads(ledger_record.to_text(RECORD)), **fields})


def test_a_record_is_read_as_it_was_written() -> None:
    assert ledger_record.from_text(ledger_record.to_text(RECORD)) == RECORD
    bare = RECORD._replace(live=None, rollback_of=NAME, files=())
    assert ledger_record.from_text(ledger_record.to_text(bare)) == bare


def test_the_text_has_the_fields_of_the_documented_shape() -> None:
    data = json.loads(ledger_record.to_text(RECORD))
    assert data["schema_version"] == 1
    assert sorted(data) == sorted([*Record._fields, "schema_version"])
    assert data["live"] == {"before": {"timeout": 7, "policy": None}, "after": {"timeout": 0, "policy": "x"}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        _altered(schema_version=2),
        _altered(id="../../etc/passwd"),
        _altered(id="20260314T092653.589793Z-other"),
        _altered(role=""),
        _altered(subject=None),
        _altered(rollback_of="x"),
        _altered(files=[{"path": "etc/x", "backup": None, "before_sha256": None, "after_sha256": None}]),
        _altered(files=[{"path": "/x", "backup": "/b", "before_sha256": None, "after_sha256": None}]),
        _altered(files=[{"path": "/x", "backup": "/b", "before_sha256": "abc", "after_sha256": None}]),
        _altered(live={"before": {}}),
        _altered(live={"before": 1, "after": 2}),
    ],
    ids=range(14),
)
def test_what_is_no_record_is_an_error(text: str) -> None:
    with pytest.raises(LedgerError):
        ledger_record.from_text(text)


@pytest.mark.parametrize("name", ["requirepass", "masterauth", "api_token", "client_secret"])
def test_secrets_are_not_recorded(name: str) -> None:
    with pytest.raises(LedgerError, match="looks like a secret"):
        ledger_record.check_live(Live({name: "x"}, {name: "y"}))


def test_values_are_single() -> None:
    ledger_record.check_live(Live({"keepalive": 1}, {"keepalive": None}))
    with pytest.raises(LedgerError, match="must have one value"):
        ledger_record.check_live(Live({"a": [1]}, {"a": 2}))


def _entry(*files: tuple[Path, Path | None], live: Live | None = None, back: str | None = None) -> ledger_store.Entry:
    paths = [(str(path), None if backup is None else str(backup)) for path, backup in files]
    return ledger_store.Entry("demo_role", "one", paths, live, back)


def _save(folder: Path, entry: ledger_store.Entry) -> str:
    return ledger_store.save(str(folder), entry, ledger_store.compare(entry), ledger_store.read(str(folder)))


def test_what_is_saved_is_read_and_readable_by_nobody_else(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("new")
    (tmp_path / "copy").write_text("old")
    folder = tmp_path / "deep" / "backups"
    entry = _entry((tmp_path / "x", tmp_path / "copy"), (tmp_path / "gone", None), live=Live({"a": 1}, {"a": 2}))
    name = _save(folder, entry)
    (record,) = ledger_store.read(str(folder))
    assert (record.id, record.role, record.subject, record.live) == (name, "demo_role", "one", entry.live)
    digests = ledger_record.sha256(b"old"), ledger_record.sha256(b"new")
    assert record.files == (RecordedFile(str(tmp_path / "x"), str(tmp_path / "copy"), *digests),)
    assert record.time.replace("-", "").replace(":", "") + "-demo_role" == name
    assert [path.stat().st_mode & 0o7777 for path in (folder, folder / "records")] == [0o700, 0o700]
    assert (folder / "records" / (name + ".json")).stat().st_mode & 0o7777 == 0o600
    assert os.listdir(folder / "records") == [name + ".json"]


def test_ids_keep_their_order_when_the_clock_was_set_back(tmp_path: Path) -> None:
    future = RECORD._replace(id="29990101T000000.000000Z-demo_role")
    (tmp_path / "records").mkdir(mode=0o700)
    (tmp_path / "records" / (future.id + ".json")).write_text(ledger_record.to_text(future))
    assert _save(tmp_path, _entry(live=Live({"a": 1}, {"a": 2}))) == "29990101T000000.000001Z-demo_role"
    assert _save(tmp_path, _entry(live=Live({"a": 1}, {"a": 2}))) == "29990101T000000.000002Z-demo_role"


def test_a_taken_id_is_not_overwritten(tmp_path: Path) -> None:
    entry = _entry(live=Live({"a": 1}, {"a": 2}))
    first = ledger_store.save(str(tmp_path), entry, [], [RECORD._replace(id="29990101T000000.000000Z-demo_role")])
    second = ledger_store.save(str(tmp_path), entry, [], [RECORD._replace(id="29990101T000000.000000Z-demo_role")])
    assert (first[:22], second[:22]) == ("29990101T000000.000001", "29990101T000000.000002")


def test_records_of_others_are_left_out(tmp_path: Path) -> None:
    _save(tmp_path, _entry(live=Live({"a": 1}, {"a": 2})))
    _save(tmp_path, _entry(live=Live({"a": 1}, {"a": 2}))._replace(role="role"))
    assert [record.role for record in ledger_store.read(str(tmp_path), "role")] == ["role"]
    assert len(ledger_store.read(str(tmp_path))) == 2


def test_no_folder_is_no_record(tmp_path: Path) -> None:
    assert ledger_store.read(str(tmp_path / "none")) == []


@pytest.mark.parametrize("mode", [0o720, 0o702])
@pytest.mark.parametrize("which", [".", "records"])
def test_a_folder_that_others_may_write_is_refused(tmp_path: Path, which: str, mode: int) -> None:
    _save(tmp_path / "b", _entry(live=Live({"a": 1}, {"a": 2})))
    (tmp_path / "b" / which).chmod(mode)
    with pytest.raises(LedgerError, match="may be written by others"):
        ledger_store.read(str(tmp_path / "b"))


def test_a_record_that_others_may_write_or_that_is_a_link_is_refused(tmp_path: Path) -> None:
    name = _save(tmp_path, _entry(live=Live({"a": 1}, {"a": 2})))
    path = tmp_path / "records" / (name + ".json")
    path.chmod(0o666)
    with pytest.raises(LedgerError, match="may be written by others"):
        ledger_store.read(str(tmp_path))
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        ledger_store.read(str(tmp_path))


def test_a_broken_record_is_an_error_and_not_left_out(tmp_path: Path) -> None:
    name = _save(tmp_path, _entry(live=Live({"a": 1}, {"a": 2})))
    path = tmp_path / "records" / (name + ".json")
    text = path.read_text()
    path.write_text(text[: len(text) // 2])
    with pytest.raises(LedgerError, match="%s.json: not a record" % name):
        ledger_store.read(str(tmp_path))
    path.write_text(ledger_record.to_text(RECORD))
    with pytest.raises(LedgerError, match="has the id"):
        ledger_store.read(str(tmp_path))


def test_the_same_copies_are_recorded_once(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("new")
    (tmp_path / "copy").write_text("old")
    entry = _entry((tmp_path / "x", tmp_path / "copy"))
    name = _save(tmp_path / "b", entry)
    records = ledger_store.read(str(tmp_path / "b"))
    assert ledger_store.already(records, entry, ledger_store.compare(entry)) == name
    other = entry._replace(subject="two")
    assert ledger_store.already(records, other, ledger_store.compare(other)) is None
    values = _entry(live=Live({"a": 1}, {"a": 2}))
    assert ledger_store.already(records, values, []) is None


@pytest.mark.parametrize(
    "entry",
    [
        _entry()._replace(role="Some Role"),
        _entry()._replace(subject=" "),
        _entry()._replace(subject="a\nb"),
        _entry()._replace(files=[("etc/x", None)]),
        _entry()._replace(files=[("/etc/x", "b")]),
    ],
    ids=["role", "empty-subject", "two-lines", "relative-path", "relative-copy"],
)
def test_entries_that_cannot_be_recorded(entry: ledger_store.Entry) -> None:
    assert ledger_store.entry_problem(entry)
    assert ledger_store.entry_problem(_entry((Path("/etc/x"), None))) is None
