# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop after stop of one process, until all that is pending is done: each short, each on the same program."""

from __future__ import annotations

import contextlib
import time
from typing import Callable, Iterator, List, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._fd import process as fd_process
from ansible_collections.closewait.remediation.plugins.module_utils._fd import rehearsal
from ansible_collections.closewait.remediation.plugins.module_utils._fd.decision import Target
from ansible_collections.closewait.remediation.plugins.module_utils._fd.gdb import GdbError, Session
from ansible_collections.closewait.remediation.plugins.module_utils._fd.guardian import Guardian
from ansible_collections.closewait.remediation.plugins.module_utils._fd.injection import (
    InjectionError,
    SignalCameFirstError,
)
from ansible_collections.closewait.remediation.plugins.module_utils._fd.observation import Observer
from ansible_collections.closewait.remediation.plugins.module_utils._fd.order import Order, Pending
from ansible_collections.closewait.remediation.plugins.module_utils._fd.pace import Pace
from ansible_collections.closewait.remediation.plugins.module_utils._fd.report import Result
from ansible_collections.closewait.remediation.plugins.module_utils._fd.spare import SpareSocket
from ansible_collections.closewait.remediation.plugins.module_utils._fd.stop import Stop, uninterrupted

TOO_MANY_SIGNALS = "signals (%s) keep coming first: some timer of the program fires more often than a stop takes"
#: A program with a profiling timer takes signals all the time; each one costs a stop that did nothing.
INTERRUPTIONS = 20
SWEEPS = 10

#: Deals with the first item, or the first few, and takes it off the list.
Act = Callable[[Stop, List[Pending]], None]


class ReplacedError(Exception):
    """The process has become another program since it was judged."""


class Stops:
    """Of one process. ``image``: the program that was judged; ``log`` gets a row per stop."""

    def __init__(
        self,
        observer: Observer,
        order: Order,
        spare: SpareSocket,
        image: Optional[fd_process.Image],
        log: List[Result],
    ) -> None:
        self._observer = observer
        self._order = order
        self._spare = spare
        self._image = image
        self._log = log
        self._guardian: Optional[Guardian] = None

    @contextlib.contextmanager
    def session(self, target: Target) -> Iterator[Session]:
        """A gdb, and somebody to see to the process should gdb or we be killed."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(uninterrupted())
            self._guardian = None
            if fd_process.may_be_held(target.pid):
                self._guardian = stack.enter_context(Guardian(target.pid, target.start_time))
            yield stack.enter_context(Session(self._order.gdb, self._order.empty_folder, self._order.timeout))

    def work_off(self, session: Session, items: List[Pending], act: Act) -> None:
        """Stop after stop until no item is left; a signal that comes first is let through and the stop tried again."""
        pid, interruptions = items[0].target.pid, 0
        pace = Pace(self._order.max_stop_ms)
        rehearsal.rehearse(session)
        while items or self._spare.number is not None:
            self._foresee(items)
            before, stop = (len(items), self._spare.number), Stop(session, pid, self._guardian)
            try:
                with stop:
                    pace.begin(stop)
                    self._chunk(stop, items, act, pace)
            except SignalCameFirstError as exc:
                interruptions = 0 if (len(items), self._spare.number) != before else interruptions + 1
                if interruptions > INTERRUPTIONS:
                    raise InjectionError(TOO_MANY_SIGNALS % exc) from exc
            finally:
                pace.end(stop)
            self._note(pid, stop, before[0] - len(items))
            # Between two stops the process runs at least as long as it stood.
            time.sleep(stop.elapsed_ms / 1000.0 if items else 0.0)

    def sweep(self, target: Target) -> None:
        """Take a socket of ours out again, with more patience than for anything else, and a gdb of its own."""
        try:
            for _turn in range(SWEEPS if self._spare.number is not None else 0):
                with self.session(target) as session:
                    if self._swept(session, target.pid):
                        return
        except (GdbError, InjectionError, OSError):
            return

    def _swept(self, session: Session, pid: int) -> bool:
        rehearsal.rehearse(session)
        for _turn in range(INTERRUPTIONS):
            stop = Stop(session, pid, self._guardian)
            with contextlib.suppress(SignalCameFirstError), stop:
                self._spare.drop(stop)
                return True
            time.sleep(stop.elapsed_ms / 1000.0)
        return False

    def _foresee(self, items: List[Pending]) -> None:
        """All looks of the stop, once before it: the second time they take half as long."""
        if items:
            target = items[0].target
            self._observer.foresee(target.pid)
            self._observer.observe(target)
            fd_process.image(target.pid)
            fd_process.now_forbids(target.pid)

    def _chunk(self, stop: Stop, items: List[Pending], act: Act, pace: Pace) -> None:
        """As many items as the cap on a stop allows, but one at least."""
        self._observer.new_stop()
        self._spare.new_stop()
        if items:
            self._check_program(items[0].target.pid)
        self._spare.drop(stop)
        while items:
            act(stop, items)
            # What is done is done, whatever becomes of the spare.
            self._spare.drop(stop)
            if not pace.fits_another(stop):
                return

    def _check_program(self, pid: int) -> None:
        """Raises :class:`ReplacedError`, ``InjectionError``; all threads stand still."""
        if fd_process.image(pid) != self._image:
            raise ReplacedError
        obstacle = fd_process.now_forbids(pid)
        if obstacle:
            raise InjectionError(obstacle)

    def _note(self, pid: int, stop: Stop, fds: int) -> None:
        self._log.append({"pid": pid, "stop_ms": round(stop.elapsed_ms, 2), "fds": fds, "held": stop.held})
