# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to write so that files are again as they were before a recorded change. Reads, writes nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Iterable, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _file_set
from ansible_collections.closewait.remediation.plugins.module_utils._file_set import Change
from ansible_collections.closewait.remediation.plugins.module_utils._ledger import record as ledger_record
from ansible_collections.closewait.remediation.plugins.module_utils._ledger.record import LedgerError, RecordedFile
from ansible_collections.closewait.remediation.plugins.module_utils._ledger.states import Target

_NAME = re.compile(r"\s*([\w.-]+)\s*(?:[\s=;]|$)")


class Present(NamedTuple):
    """A file as it is now."""

    path: str
    content: Optional[bytes]


def look(target: Target) -> list[Present]:
    """The files of the target, those first that were written last. Raises OSError."""
    return [Present(path, _file_set.content(path)) for path in target.last]


def strangers(target: Target, present: Iterable[Present]) -> list[str]:
    """Paths that are neither as the last record left them nor as they will be: somebody else changed them."""
    found = []
    for path, content in present:
        digest = ledger_record.sha256(content)
        if digest not in (target.last[path].after_sha256, target.first[path].before_sha256):
            found.append(path + (" (it is gone)" if content is None else ""))
    return found


def changes(target: Target, present: Iterable[Present]) -> list[Change]:
    """What to write: new files first and removals last, so that no file ever includes one that is not there.

    Raises LedgerError when a copy is missing or is not what it was.
    """
    found = []
    for path, content in present:
        wanted = target.first[path]
        if ledger_record.sha256(content) != wanted.before_sha256:
            found.append(Change(path, content, _copy(wanted), wanted.backup))
    return sorted(found, key=lambda change: (change.before is not None, change.after is None))


def _copy(wanted: RecordedFile) -> Optional[bytes]:
    if wanted.backup is None:
        return None
    if not os.path.lexists(wanted.backup):
        raise LedgerError("%s, the copy of %s, is gone: that state cannot be restored" % (wanted.backup, wanted.path))
    content = Path(wanted.backup).read_bytes()
    if ledger_record.sha256(content) != wanted.before_sha256:
        raise LedgerError(
            "%s, the copy of %s, is not what was recorded: somebody changed it, so it is not used"
            % (wanted.backup, wanted.path)
        )
    return content


def shown(change: Change, names: Iterable[str]) -> tuple[str, str]:
    """Both sides of a change for the eye: only lines that differ, and in full only settings with these names.

    Other lines may hold passwords, and are the matter of others anyway.
    """
    known = {name.lower() for name in names}
    before, after = _lines(change.before), _lines(change.after)
    return (
        "".join(_line(line, known) for line in before if line not in after),
        "".join(_line(line, known) for line in after if line not in before),
    )


def _lines(content: Optional[bytes]) -> list[str]:
    return (content or b"").decode("utf-8", "replace").splitlines()


def _line(line: str, known: set[str]) -> str:
    match = _NAME.match(line)
    if match and match.group(1).lower() in known:
        return line + "\n"
    return "(not shown)\n" if line.strip() else ""
