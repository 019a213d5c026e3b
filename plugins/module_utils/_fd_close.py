# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Close half-closed fds of running processes: look, decide, stop, look and decide again, act, look, let go.

Sequencing only: what is seen comes from ``_fd_observation``, what may be done from ``_fd_decision``, the system calls
from ``_fd_act``.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import (
    _epoll_removal,
    _fd_act,
    _fd_copy,
    _fd_decision,
    _fd_journal,
    _fd_observation,
    _fd_process,
    _gdb,
    _guardian,
    _injection,
    _procfs,
    _stop,
)

WOULD = {_fd_decision.CLOSE: "would_close", _fd_decision.PLACEHOLDER: "would_replace"}
DONE = {_fd_decision.CLOSE: "closed", _fd_decision.PLACEHOLDER: "replaced"}
#: Only the registration was removed.
UNWATCHED = "unwatched"
#: The process ended in our hands.
LOST = "lost"
TOO_MANY_SIGNALS = "signals (%s) keep coming first: some timer of the program fires more often than a stop takes"
#: A program with busy threads that never waits on that epoll instance is not waited for any longer.
SETTLE_S = 1.0
REPLACED = "the process runs another program by now (execve)"
#: A program with a profiling timer takes signals all the time; each one costs a stop that did nothing.
INTERRUPTIONS = 20
AFTERMATH_S = 0.05
SWEEPS = 10
#: So many numbers are judged, and then closed by one system call, before the clock is looked at again.
LONGEST_RUN = 16

Result = Dict[str, Any]
#: Deals with the first item, or the first few, and takes it off the list.
Act = Callable[[_stop.Stop, List["Pending"]], None]


class ReplacedError(Exception):
    """The process has become another program since it was judged."""


class Order(NamedTuple):
    """What to do and how carefully. ``max_stop_ms`` caps each stop, ``timeout`` (s) each answer of gdb."""

    options: _fd_decision.Options
    gdb: str
    empty_folder: str
    max_stop_ms: float
    timeout: float


class Pending(NamedTuple):
    """A target that may be closed, as decided before the stop."""

    target: _fd_decision.Target
    method: str
    reason: str
    settle: bool


class Report(NamedTuple):
    """``results`` one per target, ``stops`` one per stop: ``{pid, stop_ms, fds, held}``, ``warnings``: lines."""

    results: List[Result]
    stops: List[Result]
    warnings: Sequence[str] = ()


class Judged(NamedTuple):
    """What is to be done with each target, for whom together, and what was seen of it."""

    decisions: List[Tuple[_fd_decision.Target, _fd_decision.Decision]]
    plan: _fd_decision.Plan
    seen: Mapping[_fd_decision.Target, _fd_decision.Observed]


def predict(observer: _fd_observation.Observer, targets: Sequence[_fd_decision.Target], order: Order) -> Report:
    """What :func:`run` would do now; nothing is stopped."""
    rows = []
    for target, decision in _judged(observer, targets, order).decisions:
        outcome = decision.outcome or WOULD[str(decision.method)]
        rows.append(_result(target, outcome, decision.method, decision.reason, decision.alternative))
    return Report(rows, [])


def run(
    observer: _fd_observation.Observer,
    targets: Sequence[_fd_decision.Target],
    order: Order,
    logbook: Optional[_fd_journal.Logbook] = None,
) -> Report:
    """Close what may be closed. Every target gets exactly one result, whatever happens to gdb or the process.

    With a ``logbook`` everything is written down before anything is touched; raises ``JournalError`` when it cannot be.
    """
    warnings: List[str] = []
    report = Report([], [], warnings)
    images = {pid: _fd_process.image(pid) for pid in {target.pid for target in targets}}
    pending: Dict[int, List[Pending]] = {}
    judged = _judged(observer, targets, order)
    for target, decision in judged.decisions:
        if decision.outcome is None:
            item = Pending(target, str(decision.method), decision.reason, decision.settle)
            pending.setdefault(target.pid, []).append(item)
        else:
            report.results.append(_final(target, decision))
    if logbook is not None:
        logbook.intend(_intents(observer, judged, pending))
    laid: Dict[int, List[int]] = {}
    for pid, items in pending.items():
        items.sort(key=lambda item: item.target.fd)
        results, stops = len(report.results), len(report.stops)
        _Closer(observer, order, judged.plan, report, laid, images[pid]).close(items)
        if logbook is not None:
            warnings += logbook.complete(pid, report.results[results:], report.stops[stops:])
    return report


def _intents(
    observer: _fd_observation.Observer, judged: Judged, pending: Mapping[int, List[Pending]]
) -> List[_fd_journal.Intent]:
    return [
        _fd_journal.Intent(
            item.target, item.target.peer or observer.peer(item.target), item.method, judged.seen[item.target]
        )
        for items in pending.values()
        for item in items
    ]


class _Closer:
    """Works off the pending fds of one process in as many stops as the cap asks for."""

    def __init__(
        self,
        observer: _fd_observation.Observer,
        order: Order,
        plan: _fd_decision.Plan,
        report: Report,
        laid: Dict[int, List[int]],
        image: Optional[_fd_process.Image],
    ) -> None:
        """``laid``: per socket the watchers of a ghost whose registration this run has removed already.

        ``image``: the program that was judged.
        """
        self._image = image
        self._guardian: Optional[_guardian.Guardian] = None
        self._laid = laid
        self._observer = observer
        self._order = order
        self._plan = plan
        self._report = report
        #: Whose registrations we have removed: they count as watched although they are not any more.
        self._unregistered: Dict[_fd_decision.Target, List[_epoll_removal.Registration]] = {}
        #: Where each was registered when it was last judged.
        self._registered: Dict[_fd_decision.Target, List[int]] = {}
        #: A socket of ours in the process that still has to go.
        self._spare: Optional[_fd_act.Spare] = None
        #: In the process as it stands still now; None: not looked up yet.
        self._lowest_free: Optional[int] = None

    def close(self, items: List[Pending]) -> None:
        """All items belong to one process; those that are done are taken out of the list."""
        target = items[0].target
        parent = _stop.parent(target.pid)
        try:
            with self._session(target) as session:
                if any(item.settle for item in items):
                    self._unwatch_all(session, items)
                    epolls = sorted({number for item in items for number in self._gone_from(item.target)})
                    _fd_act.settle(target, epolls, SETTLE_S)
                self._observer.new_moment()
                self._work_off(session, items, self._finish)
        except ReplacedError:
            self._sweep(target)
            for item in items:
                self._left(item, _fd_decision.Decision(_fd_decision.CHANGED, None, REPLACED, "diagnose again"))
        except (_gdb.GdbError, _injection.InjectionError, OSError) as exc:
            # What is going to end by this has ended then.
            time.sleep(AFTERMATH_S)
            self._sweep(target)
            left = "" if self._spare is None else "; a socket of ours stays open in it as fd %d" % self._spare.number
            for item in items:
                self._failed(item, str(exc) + left)
        finally:
            _stop.undo_left_over_stop(target.pid, target.start_time)
            _stop.undo_stop_of_parent(parent)

    @contextlib.contextmanager
    def _session(self, target: _fd_decision.Target) -> Iterator[_gdb.Session]:
        """A gdb, and somebody to see to the process should gdb or we be killed."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(_stop.uninterrupted())
            self._guardian = None
            if _fd_process.may_be_held(target.pid):
                self._guardian = stack.enter_context(_guardian.Guardian(target.pid, target.start_time))
            yield stack.enter_context(_gdb.Session(self._order.gdb, self._order.empty_folder, self._order.timeout))

    def _sweep(self, target: _fd_decision.Target) -> None:
        """Take a socket of ours out again, with more patience than for anything else, and a gdb of its own."""
        try:
            for _turn in range(SWEEPS if self._spare is not None else 0):
                with self._session(target) as session:
                    if self._swept(session, target.pid):
                        return
        except (_gdb.GdbError, _injection.InjectionError, OSError):
            return

    def _swept(self, session: _gdb.Session, pid: int) -> bool:
        for _turn in range(INTERRUPTIONS):
            stop = _stop.Stop(session, pid, self._guardian)
            with contextlib.suppress(_injection.SignalCameFirstError), stop:
                self._drop_spare(stop)
                return True
            time.sleep(stop.elapsed_ms / 1000.0)
        return False

    def _unwatch_all(self, session: _gdb.Session, items: List[Pending]) -> None:
        """Only the registrations go, so that the loop can end its round, which may have an fd in hand, and sleep."""
        self._observer.new_moment()
        inside = [item for item in items if item.settle and not self._unwatched_outside(item)]
        if inside:
            self._work_off(session, inside, self._unwatch)

    def _unwatched_outside(self, item: Pending) -> bool:
        """False when it takes a stop (before Linux 5.6)."""
        source = self._observer.source(item.target.pid)
        decision, seen = self._judge(item)
        if source is None:
            return False
        if decision.outcome is None:
            self._remove(source, item.target, seen.epolls)
        return True

    def _work_off(self, session: _gdb.Session, items: List[Pending], act: Act) -> None:
        """Stop after stop until no item is left; a signal that comes first is let through and the stop tried again."""
        pid, interruptions = items[0].target.pid, 0
        pace = _stop.Pace(self._order.max_stop_ms)
        while items or self._spare is not None:
            self._observer.foresee(pid)
            before, stop = (len(items), self._spare), _stop.Stop(session, pid, self._guardian)
            try:
                with stop:
                    pace.begin(stop)
                    self._chunk(stop, items, act, pace)
            except _injection.SignalCameFirstError as exc:
                interruptions = 0 if (len(items), self._spare) != before else interruptions + 1
                if interruptions > INTERRUPTIONS:
                    raise _injection.InjectionError(TOO_MANY_SIGNALS % exc) from exc
            finally:
                pace.end(stop)
            self._report.stops.append(
                {
                    "pid": pid,
                    "stop_ms": round(stop.elapsed_ms, 2),
                    "fds": before[0] - len(items),
                    "held": self._guardian is not None,
                }
            )
            # Between two stops the process runs at least as long as it stood.
            time.sleep(stop.elapsed_ms / 1000.0 if items else 0.0)

    def _chunk(self, stop: _stop.Stop, items: List[Pending], act: Act, pace: _stop.Pace) -> None:
        """As many items as the cap on a stop allows, but one at least."""
        self._observer.new_stop()
        self._lowest_free = None
        self._check_program(items[0].target.pid if items else 0)
        self._drop_spare(stop)
        while items:
            act(stop, items)
            # What is done is done, whatever becomes of the spare.
            self._drop_spare(stop)
            if not pace.fits_another(stop):
                return

    def _check_program(self, pid: int) -> None:
        """Raises :class:`ReplacedError`, :class:`_injection.InjectionError`; all threads stand still."""
        if pid and _fd_process.image(pid) != self._image:
            raise ReplacedError
        obstacle = _fd_process.now_forbids(pid) if pid else None
        if obstacle:
            raise _injection.InjectionError(obstacle)

    def _unwatch(self, stop: _stop.Stop, items: List[Pending]) -> None:
        decision, seen = self._judge(items[0])
        if decision.outcome is None:
            self._unregister(stop, items[0].target, seen)
        items.pop(0)

    def _finish(self, stop: _stop.Stop, items: List[Pending]) -> None:
        run = self._ready_run(stop, items)
        if not run:
            items.pop(0)
        elif run[0].method == _fd_decision.PLACEHOLDER:
            self._replace(stop, run[0].target)
        elif len(run) == 1 or not _fd_act.close_run(stop, run[0].target.fd, run[-1].target.fd):
            _fd_act.close(stop, run[0].target.fd)
            run = run[:1]
        for item in run:
            if not _fd_act.is_off(item.target):
                raise _injection.InjectionError("the number still leads to the socket after %s" % item.method)
            self._done(item, item.reason, stop.elapsed_ms)
            items.pop(0)

    def _ready_run(self, stop: _stop.Stop, items: List[Pending]) -> List[Pending]:
        """The first item, judged and unregistered, and with ``close`` those that follow it number by number.

        Empty when it is not to be closed after all. Of one that follows, its own turn will tell.
        """
        run: List[Pending] = []
        for item in items[:LONGEST_RUN]:
            if run and (item.method != _fd_decision.CLOSE or item.target.fd != run[-1].target.fd + 1):
                break
            decision, seen = self._judge(item)
            if decision.outcome is not None:
                if not run:
                    self._left(item, decision)
                break
            self._unregister(stop, item.target, seen)
            run.append(item)
            if item.method != _fd_decision.CLOSE:
                break
        return run

    def _judge(self, item: Pending) -> Tuple[_fd_decision.Decision, _fd_decision.Observed]:
        """Decide again while the process stands still; the process itself was judged before, and we trace it now."""
        seen = self._observer.observe(item.target)
        self._registered[item.target] = seen.epolls
        if item.target.ghost and not seen.ghost_watchers:
            # Another holder's turn has removed the registration for all of them.
            seen = seen._replace(ghost_watchers=self._laid.get(item.target.inode, []))
        unwatched = self._order.options.force_unwatched or item.target in self._unregistered
        options = self._order.options._replace(
            method=item.method, force_runtime=True, force_close=True, force_unwatched=unwatched
        )
        process = _fd_decision.Process("", [], None, None)
        return _fd_decision.decide(item.target, seen, process, options, self._plan), seen

    def _unregister(self, stop: _stop.Stop, target: _fd_decision.Target, seen: _fd_decision.Observed) -> None:
        source = self._observer.source(target.pid)
        if source is not None:
            # Those that were made since the last look go as well: each try costs a microsecond.
            self._remove(source, target, self._observer.epolls(target.pid))
        else:
            removed = self._unregistered.setdefault(target, [])
            for epoll_fd in seen.epolls:
                _fd_act.unregister(stop, target, [epoll_fd])
                removed.append(_epoll_removal.Registration(epoll_fd, None, 0))
        if target.ghost:
            self._laid.setdefault(target.inode, seen.ghost_watchers)

    def _remove(self, source: _fd_copy.Source, target: _fd_decision.Target, epolls: List[int]) -> None:
        removed = _epoll_removal.remove(source, target.fd, target.inode, epolls, self._observer.registered(target))
        known = self._unregistered.setdefault(target, [])
        numbers = {registration.epoll_fd for registration in known}
        known.extend(registration for registration in removed if registration.epoll_fd not in numbers)

    def _replace(self, stop: _stop.Stop, target: _fd_decision.Target) -> None:
        flags = self._observer.flags(target)
        if self._lowest_free is None:
            self._lowest_free = _fd_act.lowest_free(target.pid)
        try:
            self._spare = _fd_act.open_spare(stop, target.pid, self._observer.family(target), flags)
        except _gdb.GdbError:
            self._find_spare(target.pid)
            raise
        self._lowest_free = self._spare.number
        _fd_act.place(stop, self._spare.number, target, flags)

    def _find_spare(self, pid: int) -> None:
        """The call may have been made although its answer was never heard. Held, the process has not run since."""
        if self._guardian is not None and self._lowest_free is not None:
            inode = _procfs.socket_inode(_procfs.link(pid, self._lowest_free))
            self._spare = None if inode is None else _fd_act.Spare(pid, self._lowest_free, inode)

    def _drop_spare(self, stop: _stop.Stop) -> None:
        if self._spare is not None:
            if _fd_act.is_there(self._spare):
                _fd_act.close(stop, self._spare.number)
            self._spare = None

    def _done(self, item: Pending, reason: str, stop_ms: Optional[float]) -> None:
        result = _result(item.target, DONE[item.method], item.method, reason, None)
        result["unregistered_from"] = self._gone_from(item.target)
        result["stop_ms"] = None if stop_ms is None else round(stop_ms, 2)
        self._report.results.append(result)

    def _failed(self, item: Pending, error: str) -> None:
        """Gdb or the process gave up: what became of the fd is looked at, not guessed."""
        self._observer.new_moment()
        seen = self._observer.observe(item.target)
        if seen.start_time == item.target.start_time and seen.inode != item.target.inode:
            self._done(item, "done, but afterwards: %s" % error, None)
            return
        # A call may have been made although its answer was never heard.
        gone = [number for number in self._registered.get(item.target, []) if number not in seen.epolls]
        known = self._unregistered.setdefault(item.target, [])
        heard = self._gone_from(item.target)
        known.extend(_epoll_removal.Registration(number, None, 0) for number in gone if number not in heard)
        if seen.start_time != item.target.start_time:
            error = "the process ended while it was worked on: %s" % error
        outcome = _fd_decision.REFUSED if seen.start_time == item.target.start_time else LOST
        self._left(item, _fd_decision.Decision(outcome, item.method, error, _fd_decision.RESTART))

    def _left(self, item: Pending, decision: _fd_decision.Decision) -> None:
        """The socket stays, and so does its registration; where that is gone for good, it has to be said."""
        if decision.outcome == _fd_decision.REFUSED:
            self._put_back(item.target)
        removed = self._gone_from(item.target)
        result = _final(item.target, decision)
        result["unregistered_from"] = removed
        if removed and decision.outcome == _fd_decision.REFUSED:
            result["outcome"] = UNWATCHED
        self._report.results.append(result)

    def _put_back(self, target: _fd_decision.Target) -> None:
        """What is left alone after all is to be as it was: the loop hears of it again."""
        source, removed = self._observer.source(target.pid), self._unregistered.get(target)
        if source is not None and removed:
            self._unregistered[target] = _epoll_removal.put_back(source, target.fd, target.inode, removed)

    def _gone_from(self, target: _fd_decision.Target) -> List[int]:
        return [registration.epoll_fd for registration in self._unregistered.get(target, [])]


def _judged(observer: _fd_observation.Observer, targets: Sequence[_fd_decision.Target], order: Order) -> Judged:
    """What is to be done with each, and in which processes each socket is to be closed by that.

    A socket that has to stay open in one process stays open in all of them, so a refusal may bring others.
    """
    processes = {pid: _fd_process.inspect(pid) for pid in {target.pid for target in targets}}
    seen = {target: observer.observe(target) for target in targets}
    plan, planned = _plan(targets, seen), len(targets) + 1
    while True:
        rows = [
            (target, _fd_decision.decide(target, seen[target], processes[target.pid], order.options, plan))
            for target in targets
        ]
        going = [target for target, decision in rows if decision.outcome in (None, _fd_decision.GONE)]
        if len(going) == planned:
            return Judged(rows, plan, seen)
        plan, planned = _plan(going, seen), len(going)


def _plan(
    targets: Sequence[_fd_decision.Target], seen: Mapping[_fd_decision.Target, _fd_decision.Observed]
) -> _fd_decision.Plan:
    holders: Dict[int, set[int]] = {}
    for target in targets:
        holders.setdefault(target.inode, set()).add(target.pid)
    watched = frozenset(target.inode for target in targets if seen[target].epolls and seen[target].level_triggered)
    return _fd_decision.Plan({inode: frozenset(pids) for inode, pids in holders.items()}, watched)


def _final(target: _fd_decision.Target, decision: _fd_decision.Decision) -> Result:
    return _result(target, str(decision.outcome), decision.method, decision.reason, decision.alternative)


def _result(
    target: _fd_decision.Target, outcome: str, method: Optional[str], reason: str, alternative: Optional[str]
) -> Result:
    return {
        "pid": target.pid,
        "start_time": target.start_time,
        "fd": target.fd,
        "inode": target.inode,
        "outcome": outcome,
        "method": method,
        "reason": reason,
        "alternative": alternative,
        "unregistered_from": [],
        "stop_ms": None,
    }
