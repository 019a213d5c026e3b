# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states that a history of recorded changes went through, and which one a roll-back goes to. Pure.

A record stands between two states. A roll-back is a record like any other, so it can be undone as well.
"""

from __future__ import annotations

from typing import NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils._ledger.record import (
    LedgerError,
    Record,
    RecordedFile,
    Values,
)


class Target(NamedTuple):
    """The state before a record.

    ``first``: path -> the earliest change since then, which has the file as it was then; ``last``: path -> the latest
    one, which has the file as it was left, what was written last coming first; ``live``: values of then, None when no
    change since then had any; ``undone``: ids whose effect ends with it, the latest first, none when that is the state
    already.
    """

    first: dict[str, RecordedFile]
    last: dict[str, RecordedFile]
    live: Optional[Values]
    undone: list[str]


def stacks(records: Sequence[Record]) -> list[tuple[str, ...]]:
    """For the state before each record, and for the last state: ids of the changes that are in effect, oldest first.

    A record that takes back one that is not in the list (any more) counts as a change of its own.
    """
    states: list[tuple[str, ...]] = [()]
    positions = {record.id: index for index, record in enumerate(records)}
    for record in records:
        back = positions.get(record.rollback_of) if record.rollback_of else None
        states.append((*states[-1], record.id) if back is None else states[back])
    return states


def of_one_subject(records: Sequence[Record], subject: Optional[str]) -> list[Record]:
    """The records of the subject; None: of the only one there is. Raises LedgerError naming those there are."""
    names = sorted({record.subject for record in records})
    if subject is None and len(names) > 1:
        raise LedgerError("there are records of several subjects, say which one is meant: %s" % ", ".join(names))
    if subject is not None and subject not in names:
        raise LedgerError("there is no record of subject %s, only of: %s" % (subject, ", ".join(names) or "none"))
    return [record for record in records if subject in (None, record.subject)]


def chosen(records: Sequence[Record], to: Optional[str]) -> Optional[str]:
    """The id to go back before; without ``to`` the latest change in effect, None when there is none.

    Raises LedgerError naming the ids there are.
    """
    known = [record.id for record in records]
    if to is not None:
        if to not in known:
            raise LedgerError("there is no record %s, only: %s" % (to, ", ".join(known)))
        return to
    in_effect = stacks(records)[-1]
    return in_effect[-1] if in_effect else None


def before(records: Sequence[Record], to: str) -> Target:
    """What the state before that record was."""
    index = next(position for position, record in enumerate(records) if record.id == to)
    since = records[index:]
    first: dict[str, RecordedFile] = {}
    live: Values = {}
    for record in since:
        for item in record.files:
            first.setdefault(item.path, item)
        for name, value in (record.live.before if record.live else {}).items():
            live.setdefault(name, value)
    return Target(first, _latest(since), live or None, _undone(records, index))


def _latest(since: Sequence[Record]) -> dict[str, RecordedFile]:
    found: dict[str, RecordedFile] = {}
    for record in reversed(since):
        for item in reversed(record.files):
            found.setdefault(item.path, item)
    return found


def _undone(records: Sequence[Record], index: int) -> list[str]:
    states = stacks(records)
    if states[index] == states[-1]:
        return []
    ending = set(states[-1]) - set(states[index])
    return [record.id for record in reversed(records[index:]) if record.id in ending or record is records[index]]
