# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a half-closed fd may be closed, and how. Pure: what was observed goes in, a decision comes out.

The same function decides before the process is stopped and again while all its threads stand still.
"""

from __future__ import annotations

from typing import FrozenSet, List, Mapping, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._fd import closable as fd_closable

CLOSE = "close"
PLACEHOLDER = "placeholder"
AUTO = "auto"

GONE = "gone"
CHANGED = "changed"
REFUSED = "refused"

NOT_OPEN = "the number is not open any more"
ANOTHER_FILE = "the number is another file now"

NUMBER_IS_FREE = (
    "the number is free: what the program still does with it, its own close too, may hit what it opens next there"
)
RESTART = "drain the program and restart it through its supervisor"
HALF_CLOSED = ("CLOSE_WAIT", "CLOSE")


class Target(NamedTuple):
    """What a finding named. ``start_time`` in clock ticks since boot; ``cookie`` 16 hex digits, None when unlisted."""

    pid: int
    start_time: int
    fd: int
    inode: int
    cookie: Optional[str]
    ghost: bool
    #: For the report and the journal only.
    peer: Optional[str] = None


class Options(NamedTuple):
    """The caller's leave; ``min_age`` in seconds."""

    method: str
    allow_unread: bool
    force_unwatched: bool
    force_runtime: bool
    min_age: float
    force_close: bool = False


class Process(NamedTuple):
    """The process as a whole. ``obstacle``: why nothing at all can be done to it, None when nothing is in the way."""

    runtime: str
    loops: List[str]
    role: Optional[str]
    obstacle: Optional[str]


class Observed(NamedTuple):
    """The fd at one moment.

    ``start_time`` None: no such process. ``inode`` None: not a socket (``is_open`` tells whether the number is open).
    ``state``: TCP state name, "CLOSE" for a TCP socket in no listing, None when it is not TCP. Bytes and seconds;
    ``unread`` None: could not look. ``lingers``: SO_LINGER is set, so that closing may block the process.
    ``epolls``: own epoll fds that have this very file registered. ``holders``: other processes that hold the socket,
    ``ghost_watchers``: processes that watch it without holding it.
    """

    start_time: Optional[int]
    is_open: bool
    inode: Optional[int]
    state: Optional[str]
    cookie: Optional[str]
    unread: Optional[int]
    unsent: int
    lingers: bool
    age: float
    epolls: List[int]
    level_triggered: bool
    holders: List[int]
    ghost_watchers: List[int]


class Decision(NamedTuple):
    """``outcome`` None: go ahead with ``method``; else it is final, and ``reason`` says why.

    ``settle``: take the registration away first and let the loop end its round, which may have the fd in hand: a plain
    loop dies of EBADF in about half of all cases if the number goes between its ``epoll_wait`` and its ``recv``.
    """

    outcome: Optional[str]
    method: Optional[str]
    reason: str
    alternative: Optional[str]
    settle: bool = False


class Plan(NamedTuple):
    """What is to be done in the same run.

    ``holders``: per socket the processes in which it is to be closed; ``watched``: sockets
    that the loop of one of these watches level-triggered.
    """

    holders: Mapping[int, FrozenSet[int]]
    watched: FrozenSet[int]


def decide(target: Target, seen: Observed, process: Process, options: Options, plan: Plan) -> Decision:
    """Judge one fd."""
    return (
        _identity(target, seen)
        or _obstacle(process)
        or _half_closed(seen, options)
        or _data(seen, options)
        or _holders(target, seen, plan)
        or _unwatched(target, seen, options, plan)
        or _runtime(process, options)
        or _edge_triggered(target, seen, options, plan)
        or _method(target, process, options)
    )


def _identity(target: Target, seen: Observed) -> Optional[Decision]:
    if seen.start_time is None:
        return Decision(GONE, None, "the process has ended", None)
    if seen.start_time != target.start_time:
        return Decision(CHANGED, None, "pid %d is another process now" % target.pid, "diagnose again")
    if not seen.is_open:
        return Decision(GONE, None, NOT_OPEN, None)
    if seen.inode != target.inode:
        return Decision(CHANGED, None, ANOTHER_FILE, "diagnose again")
    if target.cookie is not None and seen.cookie is not None and seen.cookie != target.cookie:
        return Decision(CHANGED, None, "the inode belongs to another socket now", "diagnose again")
    return None


def _obstacle(process: Process) -> Optional[Decision]:
    return _refuse(process.obstacle, RESTART) if process.obstacle else None


def _half_closed(seen: Observed, options: Options) -> Optional[Decision]:
    if seen.state is None:
        return _refuse("it is not a TCP socket", None)
    if seen.state not in HALF_CLOSED:
        return _refuse("it is not half-closed but %s" % seen.state, None)
    if seen.age < options.min_age:
        return _refuse("the peer closed %.1f s ago (min_age %g s)" % (seen.age, options.min_age), "try again later")
    return None


def _data(seen: Observed, options: Options) -> Optional[Decision]:
    if seen.unsent:
        return _refuse("%d bytes are not sent or not acknowledged yet" % seen.unsent, "wait, or " + RESTART)
    if seen.unread != 0 and not options.allow_unread:
        what = "cannot tell whether bytes are" if seen.unread is None else "%d bytes are" % seen.unread
        return _refuse("%s unread that would be lost" % what, "set allow_unread if they may be lost")
    if seen.lingers:
        return _refuse("SO_LINGER is set on it: closing could block the process until the peer answers", RESTART)
    return None


def _holders(target: Target, seen: Observed, plan: Plan) -> Optional[Decision]:
    """The open file lives on, and so does what is registered for it, as long as one process has it."""
    planned = plan.holders.get(target.inode, frozenset())
    strangers = [pid for pid in seen.holders if pid != target.pid and pid not in planned]
    if target.ghost and not seen.ghost_watchers:
        return _refuse("no process watches this socket without holding it, so it is no ghost", "diagnose again")
    if strangers:
        why = "process %s holds the same socket and it is not to be closed there" % _list(strangers)
        return _refuse(why, "name all its holders as targets, or " + RESTART)
    return None


def _unwatched(target: Target, seen: Observed, options: Options, plan: Plan) -> Optional[Decision]:
    if target.ghost or options.force_unwatched or seen.epolls or _is_a_copy(target, seen, plan):
        return None
    return _refuse(
        "no event loop watches it: an idle pool entry costs no CPU and heals when it is next used",
        "no remedy is needed",
    )


def _edge_triggered(target: Target, seen: Observed, options: Options, plan: Plan) -> Optional[Decision]:
    """Judged after the runtime: Go watches all its sockets so, and can spin all the same."""
    if target.ghost or options.force_unwatched or seen.level_triggered or _is_a_copy(target, seen, plan):
        return None
    return _refuse("it is watched edge-triggered, which does not spin", "no remedy is needed")


def _is_a_copy(target: Target, seen: Observed, plan: Plan) -> bool:
    """Whether it is only another process of the plan that watches the socket, which ends when all have closed it."""
    shared = len(plan.holders.get(target.inode, ())) > 1
    return target.inode in plan.watched and (bool(seen.holders) or shared)


def _runtime(process: Process, options: Options) -> Optional[Decision]:
    unsafe = None if options.force_runtime else fd_closable.why_not(process.runtime, process.loops, process.role)
    return _refuse(unsafe, RESTART) if unsafe else None


def _method(target: Target, process: Process, options: Options) -> Decision:
    if target.ghost:
        method, reason = CLOSE, "the holder of a ghost never uses it"
    elif process.role == fd_closable.KOMBU_EVENT_LOOP:
        method, reason = CLOSE, "kombu meets EBADF, gives the connection up and reconnects"
    else:
        method, reason = PLACEHOLDER, "the number stays taken, so that the owner's next use fails cleanly"
    # kombu registers its fds anew in every round, and it is EBADF that makes it let go of the connection.
    settle = not target.ghost and process.role != fd_closable.KOMBU_EVENT_LOOP
    if options.method in (AUTO, method):
        return Decision(None, method, reason if options.method == AUTO else "asked for", None, settle)
    if options.method == CLOSE:
        return _freed(options, settle)
    return Decision(None, options.method, "asked for", None, settle)


def _freed(options: Options, settle: bool) -> Decision:  # noqa: FBT001 - a field of the decision
    """A number set free under a program that does not know: one peer's data went into another's connection then."""
    if not options.force_close:
        return _refuse("after close " + NUMBER_IS_FREE, "use method placeholder, or set force_close")
    return Decision(None, CLOSE, "asked for, but " + NUMBER_IS_FREE, None, settle)


def _refuse(reason: str, alternative: Optional[str]) -> Decision:
    return Decision(REFUSED, None, reason, alternative)


def _list(pids: list[int]) -> str:
    return ", ".join(str(pid) for pid in sorted(set(pids))[:5])
