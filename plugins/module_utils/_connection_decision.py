# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the peer of a spinning process may end one of its other connections. Pure: a table of cases."""

from __future__ import annotations

from typing import NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils._connection_look import Connection, Look

PIDS_SHOWN = 5


class Answer(NamedTuple):
    """``outcome``: ready, calm, gone or refused."""

    outcome: str
    reason: str


def answer(look: Look) -> Answer:
    """Ready only for a process that has to itself what it spins on and what it has open."""
    if not look.alive:
        return Answer("gone", "no process with this pid started at that time any more")
    stuck = [one for one in look.half_closed if one.watched]
    if not stuck:
        return Answer("calm", "its event loop waits for no half-closed connection to that peer (any more)")
    reason = _unseen(look.unreadable) or _shared("half-closed", stuck) or _shared("open", look.open)
    if reason is None and not any(one.watched for one in look.open):
        reason = "its event loop waits for no other connection to that peer whose end it could notice"
    if reason:
        return Answer("refused", reason)
    return Answer("ready", "it alone holds %d half-closed and %d open connections" % (len(stuck), len(look.open)))


def _unseen(pids: Sequence[int]) -> Optional[str]:
    if not pids:
        return None
    return "which files its descendants %s hold could not be read: they may hold its connections" % _listed(pids)


def _shared(kind: str, connections: Sequence[Connection]) -> Optional[str]:
    """The registration of a connection that a forked child holds survives, and the worker dies of it (KeyError)."""
    others = sorted({pid for one in connections for pid in one.others})
    if not others:
        return None
    return "processes %s hold its %s connections too: the worker would not survive" % (_listed(others), kind)


def _listed(pids: Sequence[int]) -> str:
    return ", ".join(map(str, pids[:PIDS_SHOWN])) + (", …" if len(pids) > PIDS_SHOWN else "")
