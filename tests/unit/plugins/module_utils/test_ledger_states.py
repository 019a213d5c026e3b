# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which state a history is in, and what going back to one takes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._ledger import record as ledger_record
from ansible_collections.closewait.remediation.plugins.module_utils._ledger import states as ledger_states
from ansible_collections.closewait.remediation.plugins.module_utils._ledger.record import (
    LedgerError,
    Live,
    Record,
    RecordedFile,
)

DIGESTS = {name: ledger_record.sha256(name.encode()) for name in "abcdef"}


def _id(number: int) -> str:
    return "20260314T09265%d.000000Z-demo" % number


def _file(path: str, before: str | None, after: str | None) -> RecordedFile:
    backup = None if before is None else "/backups/%s" % before
    return RecordedFile(path, backup, before and DIGESTS[before], after and DIGESTS[after])


def _record(number: int, *files: RecordedFile, back: int | None = None, **values: Any) -> Record:
    live = values.pop("live", None)
    subject = values.pop("subject", "one")
    rollback_of = None if back is None else _id(back)
    return Record(_id(number), "demo", subject, "2026-03-14T09:26:53Z", files, live and Live(*live), rollback_of)


#: a -> b -> c in /x; the second change also made /y, the third set a value only.
HISTORY = [
    _record(1, _file("/x", "a", "b"), live=({"n": 1, "m": "u"}, {"n": 2, "m": "v"})),
    _record(2, _file("/y", None, "d"), _file("/x", "b", "c")),
    _record(3, live=({"n": 2}, {"n": 3})),
]


def test_without_roll_backs_all_are_in_effect() -> None:
    assert ledger_states.stacks(HISTORY) == [(), (_id(1),), (_id(1), _id(2)), (_id(1), _id(2), _id(3))]


@pytest.mark.parametrize(
    ("later", "in_effect"),
    [
        ([_record(4, back=3)], [1, 2]),
        ([_record(4, back=1)], []),
        ([_record(4, back=3), _record(5, back=2)], [1]),
        ([_record(4, back=2), _record(5)], [1, 5]),
        ([_record(4, back=2), _record(5, back=4)], [1, 2, 3]),  # the roll-back taken back
        ([_record(4, back=7)], [1, 2, 3, 4]),  # of a record that is gone
    ],
    ids=["last", "all", "step-by-step", "and-on", "redone", "record-gone"],
)
def test_a_roll_back_leads_to_the_state_before(later: list[Record], in_effect: list[int]) -> None:
    assert ledger_states.stacks([*HISTORY, *later])[-1] == tuple(map(_id, in_effect))


def test_without_an_id_the_last_change_in_effect_is_meant() -> None:
    assert ledger_states.chosen(HISTORY, None) == _id(3)
    assert ledger_states.chosen([*HISTORY, _record(4, back=2)], None) == _id(1)
    assert ledger_states.chosen([*HISTORY, _record(4, back=1)], None) is None


def test_an_unknown_id_is_refused_with_the_known_ones() -> None:
    with pytest.raises(LedgerError, match=r"no record 2026x, only: 2026.*51.*52.*53"):
        ledger_states.chosen(HISTORY, "2026x")


def test_the_state_before_a_change_is_of_all_files_since() -> None:
    target = ledger_states.before(HISTORY, _id(1))
    assert {path: (item.backup, item.before_sha256) for path, item in target.first.items()} == {
        "/x": ("/backups/a", DIGESTS["a"]),
        "/y": (None, None),
    }
    assert {path: item.after_sha256 for path, item in target.last.items()} == {"/x": DIGESTS["c"], "/y": DIGESTS["d"]}
    assert list(target.last) == ["/x", "/y"]
    assert target.live == {"n": 1, "m": "u"}
    assert target.undone == [_id(3), _id(2), _id(1)]


def test_what_did_not_change_since_is_left_out() -> None:
    target = ledger_states.before(HISTORY, _id(3))
    assert (target.first, target.live, target.undone) == ({}, {"n": 2}, [_id(3)])
    assert ledger_states.before(HISTORY, _id(2)).live == {"n": 2}
    assert ledger_states.before(HISTORY[:2], _id(2)).live is None


def test_a_state_that_is_there_undoes_nothing() -> None:
    after = [*HISTORY, _record(4, _file("/x", "c", "b"), _file("/y", "d", None), back=2)]
    assert ledger_states.before(after, _id(2)).undone == []
    assert ledger_states.before(after, _id(1)).undone == [_id(1)]
    assert ledger_states.before(after, _id(3)).undone == [_id(3)]


def test_a_roll_back_can_be_taken_back() -> None:
    after = [*HISTORY, _record(4, _file("/x", "c", "b"), _file("/y", "d", None), back=2)]
    target = ledger_states.before(after, _id(4))
    assert target.undone == [_id(4)]
    assert {path: item.before_sha256 for path, item in target.first.items()} == {
        "/x": DIGESTS["c"],
        "/y": DIGESTS["d"],
    }


def test_one_subject_may_be_left_out_and_several_may_not() -> None:
    assert ledger_states.of_one_subject(HISTORY, None) == HISTORY
    two = [*HISTORY, _record(4, subject="two")]
    assert [record.subject for record in ledger_states.of_one_subject(two, "two")] == ["two"]
    with pytest.raises(LedgerError, match="say which one is meant: one, two"):
        ledger_states.of_one_subject(two, None)
    with pytest.raises(LedgerError, match="no record of subject three, only of: one, two"):
        ledger_states.of_one_subject(two, "three")
