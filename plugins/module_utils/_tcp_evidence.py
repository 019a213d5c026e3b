# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of the ``tcp`` subset, in two halves: what can be told of the sockets alone, and what their holders add."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import (
    _accept_queues,
    _holders,
    _netns,
    _procfs,
    _rtnetlink,
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
    survey,
)
from ansible_collections.closewait.remediation.plugins.module_utils._connections import facts as connection_facts

#: From so many sockets on it matters what is not looked at.
MANY_SOCKETS = 5000
#: Null where no namespace could be listed.
_OF_SOCKETS = (
    "states",
    "listeners",
    "close_wait",
    "watchers",
    "closing",
    "vanished",
    "established",
    "accept_queues",
)


class Sockets(NamedTuple):
    """What is there, whoever holds it. ``listing`` None: no namespace could be listed.

    ``facts``: those that are complete; ``strangers``: processes whose namespace is not known; ``errors``: what could
    not be read, to which the second half adds.
    """

    namespaces: List[_netns.Namespace]
    strangers: List[int]
    queues: _accept_queues.FirstLook
    listing: Optional[listing.Listing]
    by_inode: Dict[int, survey.Row]
    opened: List[opened.Opened]
    facts: Dict[str, Any]
    errors: _unread.Errors


class Held(NamedTuple):
    """Who holds what. ``look``: begun before the walk; ``busy``: processes known not to sleep."""

    walk: _holders.Walk
    look: _sleepers.Look
    busy: FrozenSet[int]

    def awake(self, proc: str) -> Tuple[List[_holders.Owner], int]:
        """Those that did not sleep, and the number of those that did."""
        return self.look.split(self.walk.owners, self.busy, proc)


class Registrations(NamedTuple):
    """What epoll sets watch. ``asleep``: processes whose sets were not read."""

    scan: _watchers.Scan
    asleep: int


def of_sockets(
    pids: Iterable[int], queues: Optional[_accept_queues.FirstLook], max_items: int, proc: str = "/proc"
) -> Sockets:
    """The first half, for which nobody needs to know who holds what. ``queues``: an earlier look, if there was one."""
    errors: _unread.Errors = []
    namespaces, strangers = _netns.discover(pids, proc)
    first = queues or _accept_queues.first_look(namespaces, proc)
    facts: Dict[str, Any] = {
        "namespaces": [_tcp_facts.namespace(namespace) for namespace in namespaces],
        **dict.fromkeys(_OF_SOCKETS),
    }
    found = _listing(namespaces, errors, proc)
    facts["addresses"] = _addresses(namespaces, errors, proc)
    if found is None:
        return Sockets(namespaces, strangers, first, None, {}, [], facts, errors)
    facts["states"] = _tcp_facts.states(found.counts())
    facts["closing"] = closing.fact(((part.namespace.netns, part.all.rows) for part in found.parts), max_items)
    return Sockets(namespaces, strangers, first, found, found.by_inode(), _opened(found), facts, errors)


def with_holders(sockets: Sockets, held: Held, max_items: int, proc: str = "/proc") -> Dict[str, Any]:
    """All facts."""
    facts = {**sockets.facts, "errors": sockets.errors}
    seen = Registrations(_watchers.Scan([], []), 0)
    if sockets.listing:
        seen = _registrations(sockets, held, proc)
        facts.update(_held(sockets, sockets.listing, held.walk.owners, seen, max_items, proc))
    denied = sorted({*sockets.strangers, *held.walk.denied, *seen.scan.denied})
    _unread.denied(denied, sockets.errors, proc)
    facts["unreadable"] = _unread.unreadable(denied, max_items, proc)
    if seen.scan.blind:
        reason = "this kernel does not show what they watch; Linux 4.13 or newer does"
        _unread.failed_for(sockets.errors, "epoll sets", reason)
        facts["watchers"] = None
    return facts


def _listing(namespaces: List[_netns.Namespace], errors: _unread.Errors, proc: str) -> Optional[listing.Listing]:
    """All namespaces together; None when not one could be listed."""
    found = listing.of(namespaces, proc)
    for namespace, exc in found.failed:
        _unread.failed(errors, "sock_diag in network namespace %d" % namespace.netns, exc)
    return found if found.parts else None


def _opened(found: listing.Listing) -> List[opened.Opened]:
    return [opened.count(p.namespace.netns, p.all.rows, {tcp.sockid[:2] for tcp in p.listen}) for p in found.parts]


def _addresses(namespaces: List[_netns.Namespace], errors: _unread.Errors, proc: str) -> Optional[List[str]]:
    answers, failed = _netns.each(namespaces, lambda namespace: _addresses_in(namespace, proc))
    for namespace, exc in failed:
        _unread.failed(errors, "addresses of network namespace %d" % namespace.netns, exc)
    return sorted(set().union(*answers)) or None


def _addresses_in(namespace: _netns.Namespace, proc: str) -> Set[str]:
    with _netns.entered(namespace, proc):
        return set(_rtnetlink.addresses())


def _registrations(sockets: Sockets, held: Held, proc: str) -> Registrations:
    """On a host with very many sockets those of processes that slept are left out."""
    awake, asleep = held.awake(proc) if len(sockets.by_inode) >= MANY_SOCKETS else (held.walk.owners, 0)
    first = _watchers.scan(awake, listing.StateNames(sockets.by_inode), proc)
    return Registrations(_confirmed(first, sockets.namespaces, held.walk.owners, proc), asleep)


def _confirmed(
    first: _watchers.Scan, namespaces: List[_netns.Namespace], owners: List[_holders.Owner], proc: str
) -> _watchers.Scan:
    """Those that a race could have made up are looked at a second time, and dropped unless the same."""
    doubtful = {watcher.owner.pid for watcher in first.watchers if _watchers.uncertain(watcher)}
    if not doubtful:
        return first
    again = listing.of(namespaces, proc).by_inode()
    second = _watchers.scan(_holders.walk(sorted(doubtful), proc).owners, listing.StateNames(again), proc)
    same = {watcher.key for watcher in second.watchers if _watchers.uncertain(watcher)}
    kept = [w for w in first.watchers if not _watchers.uncertain(w) or w.key in same]
    holders = _holders.of_inodes(owners, {w.inode for w in kept if _watchers.uncertain(w)})
    return _watchers.Scan([_watchers.ghost_state(w, holders, proc) for w in kept], first.denied, first.blind)


def _held(
    sockets: Sockets,
    found: listing.Listing,
    owners: List[_holders.Owner],
    seen: Registrations,
    max_items: int,
    proc: str,
) -> Dict[str, Any]:
    watchers = seen.scan.watchers
    suspects = {watcher.inode for watcher in watchers if _watchers.suspect(watcher)}
    holders = _holders.of_inodes(owners, suspects | {p.tcp.inode for p in (*found.close_wait, *found.listen)})
    gone = _vanished.find(owners, sockets.by_inode, proc)
    now = _accept_queues.SecondLook(sockets.namespaces, found.listen, found.close_wait, holders)
    facts: Dict[str, Any] = {
        "vanished": _tcp_facts.vanished(gone, _netns.by_pid(sockets.namespaces), max_items),
        "listeners": _tcp_facts.listeners(found.listen, holders, max_items),
        "close_wait": _tcp_facts.close_wait(found.close_wait, holders, _watchers.by_inode(watchers), max_items),
        "watchers": {
            **_tcp_facts.watchers(watchers, found.placed(suspects), holders, max_items),
            "asleep": seen.asleep,
        },
        "established": _established(sockets, found, owners, max_items, proc),
        "accept_queues": _accept_queues.collect(sockets.queues, now, max_items, proc),
    }
    sockets.errors.extend(_accept_queues.uncounted(facts["accept_queues"], sockets.queues, sockets.namespaces, proc))
    for row in (*facts["close_wait"]["by_process"], *((facts["established"] or {}).get("by_process") or ())):
        row["fd_limit"] = _procfs.fd_limit(row["pid"], proc)
    return facts


def _established(
    sockets: Sockets, found: listing.Listing, owners: List[_holders.Owner], max_items: int, proc: str
) -> Optional[Dict[str, Any]]:
    """Connections opened from here; None when the largest crowds could not be looked at."""
    remote_of = opened.together(sockets.opened)
    processes = crowding.held(owners, remote_of)
    crowds = crowding.crowds(processes)
    largest = crowds[: min(max_items, connection_facts.ROWS)]
    try:
        members = closer_look.by_crowd(sockets.by_inode, crowding.samples(processes, largest, remote_of))
        places = [closer_look.Place(part.namespace, here) for part, here in zip(found.parts, sockets.opened)]
        seen = _seen(places, largest, members, proc)
    except OSError as exc:
        _unread.failed(sockets.errors, "connections", exc)
        return None
    return connection_facts.fact(connection_facts.Host(sockets.opened, processes, crowds, seen), max_items)


def _seen(
    places: Iterable[closer_look.Place], largest: Sequence[crowding.Crowd], members: closer_look.Members, proc: str
) -> Dict[closer_look.Key, closer_look.Seen]:
    seen: Dict[closer_look.Key, closer_look.Seen] = {}
    for place in places:
        try:
            seen.update(closer_look.look(place, largest, members, proc))
        except _netns.DesertedError:
            continue
    return seen
