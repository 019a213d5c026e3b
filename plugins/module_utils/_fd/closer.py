# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One process: its pending fds, each judged again while all threads stand still, acted on, and reported."""

from __future__ import annotations

import time
from typing import Dict, List, Optional, Set, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils._fd import act as fd_act
from ansible_collections.closewait.remediation.plugins.module_utils._fd import decision as fd_decision
from ansible_collections.closewait.remediation.plugins.module_utils._fd import process as fd_process
from ansible_collections.closewait.remediation.plugins.module_utils._fd import report as fd_report
from ansible_collections.closewait.remediation.plugins.module_utils._fd import stop as fd_stop
from ansible_collections.closewait.remediation.plugins.module_utils._fd.decision import Decision, Observed, Plan, Target
from ansible_collections.closewait.remediation.plugins.module_utils._fd.gdb import GdbError, Session
from ansible_collections.closewait.remediation.plugins.module_utils._fd.injection import InjectionError
from ansible_collections.closewait.remediation.plugins.module_utils._fd.observation import Observer
from ansible_collections.closewait.remediation.plugins.module_utils._fd.order import Order, Pending
from ansible_collections.closewait.remediation.plugins.module_utils._fd.registrations import Registrations
from ansible_collections.closewait.remediation.plugins.module_utils._fd.report import Report
from ansible_collections.closewait.remediation.plugins.module_utils._fd.spare import SpareSocket
from ansible_collections.closewait.remediation.plugins.module_utils._fd.stop import Stop
from ansible_collections.closewait.remediation.plugins.module_utils._fd.stops import ReplacedError, Stops

#: A program with busy threads that never waits on that epoll instance is not waited for any longer.
SETTLE_S = 1.0
REPLACED = "the process runs another program by now (execve)"
AFTERMATH_S = 0.05
#: strerror(EPERM), as gdb says it.
_NOT_PERMITTED = "Operation not permitted"
#: So many numbers are judged, and then closed by one system call, before the clock is looked at again.
LONGEST_RUN = 16


class Closer:
    """Works off the pending fds of one process in as many stops as the cap asks for."""

    def __init__(
        self,
        observer: Observer,
        order: Order,
        plan: Plan,
        report: Report,
        laid: Dict[int, List[int]],
        image: Optional[fd_process.Image],
    ) -> None:
        """``laid``: see ``Registrations``; ``image``: the program that was judged."""
        self._observer = observer
        self._options = order.options
        self._plan = plan
        self._report = report
        self._registrations = Registrations(observer, laid)
        self._spare = SpareSocket(observer)
        #: Where the call that takes the number may have been made.
        self._begun: Set[Target] = set()
        self._stops = Stops(observer, order, self._spare, image, report.stops)

    def close(self, items: List[Pending]) -> None:
        """All items belong to one process; those that are done are taken out of the list."""
        target = items[0].target
        parent = fd_stop.parent(target.pid)
        try:
            with self._stops.session(target) as session:
                self._settle(session, items)
                self._observer.new_moment()
                self._stops.work_off(session, items, self._finish)
        except ReplacedError:
            self._stops.sweep(target)
            for item in items:
                self._left(item, Decision(fd_decision.CHANGED, None, REPLACED, "diagnose again"))
        except (GdbError, InjectionError, OSError) as exc:
            # What is going to end by this has ended then.
            time.sleep(AFTERMATH_S)
            self._stops.sweep(target)
            why = self._explained(str(exc))
            for item in items:
                self._failed(item, why)
        finally:
            fd_stop.undo_left_over_stop(target.pid, target.start_time)
            fd_stop.undo_stop_of_parent(parent)

    def _explained(self, error: str) -> str:
        if _NOT_PERMITTED in error:
            error += " (%s)" % fd_process.forbidder()
        if self._spare.number is not None:
            error += "; a socket of ours stays open in it as fd %d" % self._spare.number
        if self._spare.unheard is not None:
            error += "; whether a socket of ours is open in it as fd %d is not known" % self._spare.unheard
        return error

    def _settle(self, session: Session, items: List[Pending]) -> None:
        """Only the registrations go, so that the loop can end its round, which may have an fd in hand, and sleep."""
        if not any(item.settle for item in items):
            return
        self._observer.new_moment()
        inside = [item for item in items if item.settle and not self._unwatched_outside(item)]
        if inside:
            self._stops.work_off(session, inside, self._unwatch)
        epolls = sorted({number for item in items for number in self._registrations.gone_from(item.target)})
        fd_act.settle(items[0].target, epolls, SETTLE_S)

    def _unwatched_outside(self, item: Pending) -> bool:
        """False when it takes a stop (before Linux 5.6)."""
        if self._observer.source(item.target.pid) is None:
            return False
        decision, seen = self._judge(item)
        if decision.outcome is None:
            self._registrations.remove_outside(item.target, seen.epolls)
        return True

    def _unwatch(self, stop: Stop, items: List[Pending]) -> None:
        decision, seen = self._judge(items[0])
        if decision.outcome is None:
            self._registrations.remove(stop, items[0].target, seen)
        items.pop(0)

    def _finish(self, stop: Stop, items: List[Pending]) -> None:
        run = self._ready_run(stop, items)
        self._begun.update(item.target for item in run)
        if not run:
            items.pop(0)
        elif run[0].method == fd_decision.PLACEHOLDER:
            self._spare.replace(stop, run[0].target)
        elif len(run) == 1 or not fd_act.close_run(stop, run[0].target.fd, run[-1].target.fd):
            fd_act.close(stop, run[0].target.fd)
            run = run[:1]
        for item in run:
            if not fd_act.is_off(item.target):
                raise InjectionError("the number still leads to the socket after %s" % item.method)
            self._done(item, item.reason, stop.elapsed_ms)
            items.pop(0)

    def _ready_run(self, stop: Stop, items: List[Pending]) -> List[Pending]:
        """The first item, judged and unregistered, and with ``close`` those that follow it number by number.

        Empty when it is not to be closed after all. Of one that follows, its own turn will tell.
        """
        run: List[Pending] = []
        for item in items[:LONGEST_RUN]:
            if run and (item.method != fd_decision.CLOSE or item.target.fd != run[-1].target.fd + 1):
                break
            decision, seen = self._judge(item)
            if decision.outcome is not None:
                if not run:
                    self._left(item, decision)
                break
            self._registrations.remove(stop, item.target, seen)
            run.append(item)
            if item.method != fd_decision.CLOSE:
                break
        return run

    def _judge(self, item: Pending) -> Tuple[Decision, Observed]:
        """Decide again while the process stands still; the process itself was judged before, and we trace it now."""
        seen = self._registrations.look(item.target)
        unwatched = self._options.force_unwatched or self._registrations.were_touched(item.target)
        options = self._options._replace(
            method=item.method, force_runtime=True, force_close=True, force_unwatched=unwatched
        )
        process = fd_decision.Process("", [], None, None)
        return fd_decision.decide(item.target, seen, process, options, self._plan), seen

    def _done(self, item: Pending, reason: str, stop_ms: Optional[float]) -> None:
        result = fd_report.done(item.target, item.method, reason, stop_ms)
        result["unregistered_from"] = self._registrations.gone_from(item.target)
        self._report.results.append(result)

    def _failed(self, item: Pending, error: str) -> None:
        """Gdb or the process gave up: what became of the fd is looked at, not guessed."""
        self._observer.new_moment()
        seen = self._observer.observe(item.target)
        if seen.start_time == item.target.start_time and seen.inode != item.target.inode:
            self._not_there_any_more(item, error)
            return
        self._registrations.note_unheard(item.target, seen.epolls)
        if seen.start_time != item.target.start_time:
            error = "the process ended while it was worked on: %s" % error
        outcome = fd_decision.REFUSED if seen.start_time == item.target.start_time else fd_report.LOST
        self._left(item, Decision(outcome, item.method, error, fd_decision.RESTART))

    def _not_there_any_more(self, item: Pending, error: str) -> None:
        """Ours only where we had begun to take it: the program closes its sockets by itself as well."""
        if item.target in self._begun:
            self._done(item, "done, but afterwards: %s" % error, None)
        else:
            reason = "the number does not lead to the socket any more, and not by us: %s" % error
            self._left(item, Decision(fd_decision.CHANGED, None, reason, "diagnose again"))

    def _left(self, item: Pending, decision: Decision) -> None:
        """The socket stays, and so does its registration; where that is gone for good, it has to be said."""
        if decision.outcome == fd_decision.REFUSED:
            self._registrations.put_back(item.target)
        removed = self._registrations.gone_from(item.target)
        result = fd_report.left(item.target, decision)
        result["unregistered_from"] = removed
        if removed and decision.outcome == fd_decision.REFUSED:
            result["outcome"] = fd_report.UNWATCHED
        self._report.results.append(result)
