# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of recorded changes: one JSON file each, in ``records`` beside the copies of files that they name."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils import _file_set
from ansible_collections.closewait.remediation.plugins.module_utils._ledger import record as ledger_record
from ansible_collections.closewait.remediation.plugins.module_utils._ledger.record import (
    LedgerError,
    Live,
    Record,
    RecordedFile,
)

_FOLDER = "records"
_LARGEST = 1 << 20
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_ROLE = re.compile(r"^[a-z][a-z0-9_]*$")


class Entry(NamedTuple):
    """What a new record is made of. ``files``: (path, backup), the backup None for a file that is new."""

    role: str
    subject: str
    files: Sequence[tuple[str, Optional[str]]]
    live: Optional[Live]
    rollback_of: Optional[str]


def check_folder(backup_folder: str) -> None:
    """Raises LedgerError when others could write into the folder of backups or the one of records.

    Who can do that decides what a roll-back writes as root. Folders that are not there yet are fine.
    """
    for folder in (backup_folder, os.path.join(backup_folder, _FOLDER)):
        if not os.path.lexists(folder):
            continue
        state = os.stat(folder)
        if not stat.S_ISDIR(state.st_mode):
            raise LedgerError("%s is no folder" % folder)
        if _others_may_write(state):
            raise LedgerError(
                "%s may be written by others, so its records cannot be trusted: let it belong to root, with mode 0700"
                % folder
            )


def read(backup_folder: str, role: Optional[str] = None) -> list[Record]:
    """Records in order of time, of one role or of all. Raises LedgerError, OSError.

    A folder that does not exist has no records; a record that cannot be read is an error.
    """
    check_folder(backup_folder)
    folder = os.path.join(backup_folder, _FOLDER)
    if not os.path.lexists(folder):
        return []
    ids = sorted(name[: -len(".json")] for name in os.listdir(folder) if name.endswith(".json"))
    mine = [name for name in ids if role is None or name.endswith("Z-" + role)]
    return [_read_one(folder, name) for name in mine if ledger_record.is_id(name)]


def entry_problem(entry: Entry) -> Optional[str]:
    """Why that cannot be recorded, None when it can."""
    if not _ROLE.match(entry.role):
        return "role %r: a role's name has small letters, digits and underscores" % entry.role
    if not entry.subject.strip() or not entry.subject.isprintable():
        return "subject %r: say which instance this is about" % entry.subject
    relative = [path for item in entry.files for path in item if path is not None and not os.path.isabs(path)]
    return "%s is no absolute path" % relative[0] if relative else None


def compare(entry: Entry) -> list[RecordedFile]:
    """The entry's files that differ from their copies. Raises OSError when a copy cannot be read."""
    found = []
    for path, backup in entry.files:
        before = None if backup is None else ledger_record.sha256(Path(backup).read_bytes())
        found.append(RecordedFile(path, backup, before, ledger_record.sha256(_file_set.content(path))))
    return [item for item in found if item.before_sha256 != item.after_sha256]


def already(records: Sequence[Record], entry: Entry, files: Sequence[RecordedFile]) -> Optional[str]:
    """The id under which these very copies are recorded, None when they are not. A copy is of one change only."""
    pairs = [(item.path, item.backup) for item in files]
    if not any(backup for _path, backup in pairs):
        return None
    for record in records:
        if record.subject == entry.subject and [(item.path, item.backup) for item in record.files] == pairs:
            return record.id
    return None


def save(backup_folder: str, entry: Entry, files: Sequence[RecordedFile], earlier: Sequence[Record]) -> str:
    """Write the record down under an id later than all earlier ones; returns the id. Raises OSError."""
    folder = os.path.join(backup_folder, _FOLDER)
    Path(backup_folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    Path(folder).mkdir(mode=0o700, exist_ok=True)
    time = _later_than(earlier)
    while True:
        stamp = time.strftime(_STAMP)
        record = Record(
            "%s-%s" % (stamp, entry.role),
            entry.role,
            entry.subject,
            time.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            tuple(files),
            entry.live,
            entry.rollback_of,
        )
        if _placed(folder, record):
            return record.id
        time += timedelta(microseconds=1)


def _later_than(earlier: Sequence[Record]) -> datetime:
    """Now, or just after the last record where the clock was set back: order is what ids are for."""
    now = datetime.now(timezone.utc)
    stamps = [record.id.partition("-")[0] for record in earlier]
    if not stamps:
        return now
    last = datetime.strptime(max(stamps), _STAMP).replace(tzinfo=timezone.utc)
    return max(now, last + timedelta(microseconds=1))


def _placed(folder: str, record: Record) -> bool:
    """Put it there whole; False when its id is taken."""
    descriptor, draft = tempfile.mkstemp(prefix=".", dir=folder)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(ledger_record.to_text(record))
            stream.flush()
            os.fsync(stream.fileno())
        os.link(draft, os.path.join(folder, record.id + ".json"))
    except FileExistsError:
        return False
    finally:
        os.unlink(draft)
    return True


def _read_one(folder: str, name: str) -> Record:
    path = os.path.join(folder, name + ".json")
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as stream:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or _others_may_write(state):
            raise LedgerError("%s may be written by others, so it cannot be trusted" % path)
        content = stream.read(_LARGEST)
    try:
        record = ledger_record.from_text(content.decode("utf-8"))
    except (LedgerError, UnicodeDecodeError) as exc:
        raise LedgerError("%s: %s. Move it away to go on without it" % (path, exc)) from exc
    if record.id != name:
        raise LedgerError("%s has the id %s. Move it away to go on without it" % (path, record.id))
    return record


def _others_may_write(state: os.stat_result) -> bool:
    return state.st_uid not in (0, os.geteuid()) or bool(state.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
