# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``tcp`` subset: half-closed sockets with holders and epoll sets, and where connections lead.

Sources: inet_diag over netlink in every network namespace that has processes, ``/proc/PID/fd`` and
``/proc/PID/fdinfo``. What could not be read is an entry of ``errors``; the part that needed it is then null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, FrozenSet, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _gc_pause, _procfs, _shared_walk, _sleepers

if TYPE_CHECKING:
    from ansible_collections.closewait.remediation.plugins.module_utils import _accept_queues


class Known(NamedTuple):
    """What was seen before. ``queues``: the accept queues some time ago, else only as long ago as gathering takes.

    ``busy``: processes that use CPU time. On a host with very many sockets the epoll sets of those that sleep meanwhile
    are not read.
    """

    queues: Optional[_accept_queues.FirstLook] = None
    busy: FrozenSet[int] = frozenset()


def collect(max_items: int, proc: str = "/proc", known: Optional[Known] = None) -> Dict[str, Any]:
    """The ``tcp`` facts; never raises for what the kernel does not show. ``max_items`` caps every list."""
    queues, busy = known or Known()
    pids = _procfs.pids(proc)
    look = _sleepers.Look(pids, proc)
    with _gc_pause.paused(), _shared_walk.walk_of(pids, proc) as walk:
        # On a managed host nothing is compiled before it is imported: that, too, is done while others walk.
        from ansible_collections.closewait.remediation.plugins.module_utils import _tcp_evidence

        sockets = _tcp_evidence.of_sockets(pids, queues, max_items, proc)
        held = _tcp_evidence.Held(walk.finish(), look, busy)
        return _tcp_evidence.with_holders(sockets, held, max_items, proc)
