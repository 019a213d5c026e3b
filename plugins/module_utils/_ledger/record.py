# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One recorded change: its shape, and its text in a file."""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Any, Dict, Mapping, NamedTuple, Optional

SCHEMA_VERSION = 1
_ID = re.compile(r"^\d{8}T\d{6}\.\d{6}Z-[a-z][a-z0-9_]*$")
_SHA256 = re.compile(r"^[0-9a-f]{64}$")
_SECRET = re.compile(r"pass|secret|token|credential|auth|private|\bkey\b", re.IGNORECASE)

#: Setting -> value. Values are what JSON has for one setting: text, number, truth or null.
Values = Dict[str, Any]


class LedgerError(Exception):
    """Records that cannot be used, or a state that cannot be gone back to; the text says what and what to do."""


class RecordedFile(NamedTuple):
    """One file of a change. ``before_sha256`` and ``backup`` None: it did not exist; ``after_sha256`` None: removed."""

    path: str
    backup: Optional[str]
    before_sha256: Optional[str]
    after_sha256: Optional[str]


class Live(NamedTuple):
    """Values of the running service on both sides of the change."""

    before: Values
    after: Values


class Record(NamedTuple):
    """``time``: ISO 8601, UTC; ``subject``: the instance, as the role names it; ``rollback_of``: an id."""

    id: str
    role: str
    subject: str
    time: str
    files: tuple[RecordedFile, ...]
    live: Optional[Live]
    rollback_of: Optional[str]


def sha256(content: Optional[bytes]) -> Optional[str]:
    """In hexadecimal; None for a file that does not exist."""
    return None if content is None else hashlib.sha256(content).hexdigest()


def is_id(text: str) -> bool:
    """Whether that may be the id of a record, and so the name of its file."""
    return bool(_ID.match(text))


def check_live(live: Live) -> None:
    """Raises LedgerError for values that do not belong into a record."""
    for values in live:
        for name, value in values.items():
            if _SECRET.search(name):
                raise LedgerError("the live setting %r looks like a secret, which no record may hold" % name)
            if value is not None and not isinstance(value, (str, int, float)):
                raise LedgerError("the live setting %r must have one value, not %r" % (name, type(value).__name__))


def to_text(record: Record) -> str:
    """The record as the JSON text of its file."""
    data = {
        "schema_version": SCHEMA_VERSION,
        **record._asdict(),
        "files": [item._asdict() for item in record.files],
        "live": record.live and record.live._asdict(),
    }
    return json.dumps(data, indent=1, sort_keys=True) + "\n"


def from_text(text: str) -> Record:
    """Read such a text. Raises LedgerError with what is wrong with it."""
    try:
        data = json.loads(text)
        version = data["schema_version"]
        if version != SCHEMA_VERSION:
            raise LedgerError("schema_version %r: a newer version of the collection wrote it" % version)
        record = _record(data)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise LedgerError("not a record: %s: %s" % (type(exc).__name__, exc)) from exc
    return record


def _record(data: Mapping[str, Any]) -> Record:
    live = data["live"]
    rollback_of = data["rollback_of"]
    if not is_id(data["id"]) or not data["id"].endswith("Z-" + _text(data["role"])):
        raise ValueError("id %r" % data["id"])
    if rollback_of is not None and not is_id(rollback_of):
        raise ValueError("rollback_of %r" % rollback_of)
    return Record(
        data["id"],
        data["role"],
        _text(data["subject"]),
        _text(data["time"]),
        tuple(_file(item) for item in data["files"]),
        None if live is None else Live(dict(live["before"].items()), dict(live["after"].items())),
        rollback_of,
    )


def _file(data: Mapping[str, Any]) -> RecordedFile:
    item = RecordedFile(data["path"], data["backup"], data["before_sha256"], data["after_sha256"])
    if not os.path.isabs(item.path):
        raise ValueError("path %r" % item.path)
    if (item.backup is None) != (item.before_sha256 is None):
        raise ValueError("backup and before_sha256 of %s do not go together" % item.path)
    for digest in (item.before_sha256, item.after_sha256):
        if digest is not None and not _SHA256.match(digest):
            raise ValueError("sha256 %r" % digest)
    return item


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("%r is no text" % (value,))
    return value
