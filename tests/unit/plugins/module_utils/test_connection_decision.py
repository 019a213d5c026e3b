# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the peer may end a connection: a table of cases."""

from __future__ import annotations

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._connection_decision import answer
from ansible_collections.closewait.remediation.plugins.module_utils._connection_look import Connection, Look

STUCK = Connection("192.0.2.31", 40001, "a1", watched=True, others=[])
IDLE = STUCK._replace(port=40002, watched=False)
LISTENER = STUCK._replace(port=40009)
OTHER = STUCK._replace(port=40012, watched=False)
READY = Look(True, [LISTENER, OTHER], [STUCK, IDLE], [])


def test_ready() -> None:
    assert answer(READY) == ("ready", "it alone holds 1 half-closed and 2 open connections")


@pytest.mark.parametrize(
    ("look", "outcome", "says"),
    [
        (READY._replace(alive=False), "gone", "no process with this pid"),
        (READY._replace(half_closed=[]), "calm", "no half-closed connection"),
        # Idle pool entries are no spin.
        (READY._replace(half_closed=[IDLE]), "calm", "no half-closed connection"),
        (READY._replace(half_closed=[STUCK._replace(others=[77])]), "refused", "processes 77 hold its half-closed"),
        (READY._replace(open=[LISTENER._replace(others=[78, 77])]), "refused", "processes 77, 78 hold its open"),
        (READY._replace(open=[LISTENER, OTHER._replace(others=[77])]), "refused", "77 hold its open connections"),
        (READY._replace(unreadable=[5]), "refused", "its descendants 5 hold could not be read"),
        (READY._replace(open=[OTHER]), "refused", "waits for no other connection"),
        (READY._replace(open=[]), "refused", "waits for no other connection"),
        (
            READY._replace(open=[LISTENER._replace(others=list(range(60, 70)))]),
            "refused",
            "processes 60, 61, 62, 63, 64, … hold",
        ),
    ],
)
def test_not_ready(look: Look, outcome: str, says: str) -> None:
    given = answer(look)
    assert given.outcome == outcome
    assert says in given.reason
