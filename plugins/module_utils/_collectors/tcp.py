# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``tcp`` subset: half-closed sockets with holders and epoll sets, and where connections lead.

Sources: inet_diag over netlink in every network namespace that has processes, ``/proc/PID/fd`` and
``/proc/PID/fdinfo``. What could not be read is an entry of ``errors``; the part that needed it is then null.
"""

from __future__ import annotations

from typing import FrozenSet, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import (
    _accept_queues,
    _gc_pause,
    _holders,
    _netns,
    _procfs,
    _rtnetlink,
    _shared_walk,
    _sleepers,
    _tcp_facts,
    _unread,
    _vanished,
    _watchers,
)
from ansible_collections.closewait.remediation.plugins.module_utils._connections import (
    closer_look,
    closing,
    crowding,
    listing,
    opened,
)
from ansible_collections.closewait.remediation.plugins.module_utils._connections import facts as connection_facts

#: From so many sockets on it matters what is not looked at.
MANY_SOCKETS = 5000


class Known(NamedTuple):
    """What was seen before. ``queues``: the accept queues some time ago, else only as long ago as gathering takes.

    ``busy``: processes that use CPU time. On a host with very many sockets the epoll sets of those that sleep meanwhile
    are not read.
    """

    queues: Optional[_accept_queues.FirstLook] = None
    busy: FrozenSet[int] = frozenset()


def collect(max_items: int, proc: str = "/proc", known: Optional[Known] = None) -> _tcp_facts.Fact:
    """The ``tcp`` facts; never raises for what the kernel does not show. ``max_items`` caps every list."""
    with _gc_pause.paused():
        return _collect(max_items, known or Known(), proc)


def _collect(max_items: int, known: Known, proc: str) -> _tcp_facts.Fact:
    errors: _unread.Errors = []
    pids = _procfs.pids(proc)
    look = _sleepers.Look(pids, proc)
    with _shared_walk.walk_of(pids, proc) as walking:
        namespaces, strangers = _netns.discover(pids, proc)
        first = known.queues or _accept_queues.first_look(proc)
        found = _listing(namespaces, errors, proc)
        # All that the walk is not needed for is done while others walk.
        states = found.states() if found else {}
        parts = _opened(found) if found else []
        walk = walking.finish()
    awake, asleep = look.split(walk.owners, known.busy, proc) if len(states) >= MANY_SOCKETS else (walk.owners, 0)
    watchers = _watchers.Scan([], [])
    if found:
        watchers = _confirmed_watchers(_Owners(awake, walk.owners), states, namespaces, proc)
    denied = sorted({*strangers, *walk.denied, *watchers.denied})
    _unread.denied(denied, errors, proc)
    facts: _tcp_facts.Fact = {
        "errors": errors,
        "namespaces": [_tcp_facts.namespace(namespace) for namespace in namespaces],
        "addresses": _addresses(namespaces, errors, proc),
        "unreadable": _unread.unreadable(denied, max_items, proc),
        "states": None,
        "listeners": None,
        "close_wait": None,
        "watchers": None,
        "closing": None,
        "vanished": None,
        "established": None,
        "accept_queues": None,
    }
    if found:
        facts["closing"] = closing.fact(((part.namespace.netns, part.all.rows) for part in found.parts), max_items)
        gone = _vanished.find(walk.owners, states, proc)
        facts["vanished"] = _tcp_facts.vanished(gone, _netns.by_pid(namespaces), max_items)
        holders = _holders.of_inodes(walk.owners, _asked(found, watchers.watchers))
        facts.update(_sockets(found, holders, watchers.watchers, max_items, proc))
        facts["watchers"]["asleep"] = asleep
        facts["established"] = _established(found, parts, walk.owners, errors, max_items, proc)
        now = _accept_queues.SecondLook(namespaces, found.listen, found.close_wait, holders)
        facts["accept_queues"] = _accept_queues.collect(first, now, max_items, proc)
        errors += _accept_queues.uncounted(facts["accept_queues"], first)
    if watchers.blind:
        _unread.failed_for(errors, "epoll sets", "this kernel does not show what they watch; Linux 4.13 or newer does")
        facts["watchers"] = None
    return facts


def _listing(namespaces: list[_netns.Namespace], errors: _unread.Errors, proc: str) -> Optional[listing.Listing]:
    """All namespaces together; None when not one could be listed."""
    found = listing.of(namespaces, proc)
    for namespace, exc in found.failed:
        _unread.failed(errors, "sock_diag in network namespace %d" % namespace.netns, exc)
    return found if found.parts else None


def _opened(found: listing.Listing) -> list[opened.Opened]:
    return [opened.count(p.namespace.netns, p.all.rows, {tcp.sockid[:2] for tcp in p.listen}) for p in found.parts]


def _established(
    found: listing.Listing,
    parts: list[opened.Opened],
    owners: list[_holders.Owner],
    errors: _unread.Errors,
    max_items: int,
    proc: str,
) -> Optional[_tcp_facts.Fact]:
    """Connections opened from here; None when the largest crowds could not be looked at."""
    remote_of = opened.together(parts)
    processes = crowding.held(owners, remote_of)
    crowds = crowding.crowds(processes)
    largest = crowds[: min(max_items, connection_facts.ROWS)]
    try:
        seen = _seen(found, largest, crowding.samples(processes, largest, remote_of), proc)
    except OSError as exc:
        _unread.failed(errors, "connections", exc)
        return None
    facts = connection_facts.fact(connection_facts.Host(parts, processes, crowds, seen), max_items)
    for row in facts["by_process"]:
        row["fd_limit"] = _procfs.fd_limit(row["pid"], proc)
    return facts


def _seen(
    found: listing.Listing, largest: list[crowding.Crowd], crowd_of: dict[int, crowding.Crowd], proc: str
) -> dict[closer_look.Key, closer_look.Seen]:
    seen: dict[closer_look.Key, closer_look.Seen] = {}
    for part in found.parts:
        try:
            seen.update(closer_look.look(part, largest, crowd_of, proc))
        except _netns.DesertedError:
            continue
    return seen


def _suspects(registrations: list[_watchers.Watcher]) -> set[int]:
    return {watcher.inode for watcher in registrations if _watchers.suspect(watcher)}


def _asked(found: listing.Listing, registrations: list[_watchers.Watcher]) -> set[int]:
    """Inodes of the sockets of which it is told who holds them."""
    return _suspects(registrations) | {placed.tcp.inode for placed in (*found.close_wait, *found.listen)}


def _sockets(
    found: listing.Listing,
    holders: _tcp_facts.Index,
    registrations: list[_watchers.Watcher],
    max_items: int,
    proc: str,
) -> _tcp_facts.Fact:
    close_wait = _tcp_facts.close_wait(found.close_wait, holders, _watchers.by_inode(registrations), max_items)
    for row in close_wait["by_process"]:
        row["fd_limit"] = _procfs.fd_limit(row["pid"], proc)
    return {
        "states": _tcp_facts.states(found.counts()),
        "listeners": _tcp_facts.listeners(found.listen, holders, max_items),
        "close_wait": close_wait,
        "watchers": _tcp_facts.watchers(registrations, found.placed(_suspects(registrations)), holders, max_items),
    }


class _Owners(NamedTuple):
    """``awake``: those whose epoll sets matter."""

    awake: list[_holders.Owner]
    all: list[_holders.Owner]


def _confirmed_watchers(
    owners: _Owners, states: dict[int, int], namespaces: list[_netns.Namespace], proc: str
) -> _watchers.Scan:
    """Registrations; those that a race could have made up are looked at a second time, and dropped unless the same."""
    first = _watchers.scan(owners.awake, _watchers.StateNames(states), proc)
    doubtful = {watcher.owner.pid for watcher in first.watchers if _watchers.uncertain(watcher)}
    if not doubtful:
        return first
    again = listing.of(namespaces, proc).states()
    second = _watchers.scan(_holders.walk(sorted(doubtful), proc).owners, _watchers.StateNames(again), proc)
    same = {watcher.key for watcher in second.watchers if _watchers.uncertain(watcher)}
    kept = [w for w in first.watchers if not _watchers.uncertain(w) or w.key in same]
    holders = _holders.of_inodes(owners.all, {w.inode for w in kept if _watchers.uncertain(w)})
    return _watchers.Scan([_watchers.ghost_state(w, holders, proc) for w in kept], first.denied, first.blind)


def _addresses(namespaces: list[_netns.Namespace], errors: _unread.Errors, proc: str) -> Optional[list[str]]:
    answers, failed = _netns.each(namespaces, lambda namespace: _addresses_in(namespace, proc))
    for namespace, exc in failed:
        _unread.failed(errors, "addresses of network namespace %d" % namespace.netns, exc)
    return sorted(set().union(*answers)) or None


def _addresses_in(namespace: _netns.Namespace, proc: str) -> set[str]:
    with _netns.entered(namespace, proc):
        return set(_rtnetlink.addresses())
