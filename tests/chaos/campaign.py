# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Epoch after epoch: start victims, attempt, look at them after each attempt, end them, judge by their diaries."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import decision

from scenario_kit.playbooks import Control

from . import cast, diaries, judge, module_call
from .aims import Aimer
from .history import History
from .tally import Tally
from .victim import diary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

CALLS_PER_EPOCH = 8
VICTIMS_AT_ONCE = 3
#: Longest time of a campaign that goes on past its seconds. The stage has 900 s: 160 of them are for the self-test and
#: the end of its victims, 300 for a call that begins at the last moment and for the end of ours.
LONGEST_S = 400
#: Of all calls, how many go through a whole run of ansible, which takes seconds.
BY_ANSIBLE = 0.02
SETTLE_S = (0.03, 0.2, 2.0)
LEFT_STOPPED_S = 2.0
IN_PROCESS, ANSIBLE = "in process", "by ansible"


class Plan(NamedTuple):
    """``attempts``: as many targets at least, unless ``seconds`` are over. ``batch``: most targets of one call.

    ``most_faults``: enough to stop early. ``blind``: see :mod:`chaos.blindfold`. ``least``: so many targets are tried
    even when ``seconds`` are over, but not after :data:`LONGEST_S`.
    """

    seed: int
    attempts: int
    seconds: float
    batch: int
    kinds: tuple[str, ...]
    most_faults: int
    blind: bool
    least: int = 0


class Remains(NamedTuple):
    """A socket that was told away and seen where it was. ``begin`` of the call, in monotonic ns."""

    begin: int
    row: judge.Row


class Campaign:
    """``folder``: for diaries and files of the victims; ``native``: the compiled victim."""

    def __init__(self, plan: Plan, folder: Path, native: Path) -> None:
        self._plan = plan
        self._folder = folder
        self._rng = random.Random(plan.seed)  # noqa: S311 - seeded
        self._stage = cast.Stage(folder, native, restless=plan.blind)
        self._journal = folder / "journal.jsonl"
        self._control = Control(folder / "control")
        self._waiting: list[str] = []
        self.tally = Tally()

    def run(self) -> Tally:
        """All of it; stops early when there are many faults."""
        begin = time.monotonic()
        with self._stage.peer() as peer:
            aimer = Aimer(self._rng, [peer], self._plan.batch)
            while self._goes_on(begin):
                self._epoch(aimer, begin)
        return self.tally

    def _goes_on(self, begin: float) -> bool:
        enough = self.tally.attempts >= self._plan.attempts or self._faults() >= self._plan.most_faults
        return not enough and self._in_time(begin, 0)

    def _faults(self) -> int:
        """Those that end it: of a blindfolded product the one is sought that the blindfold is to bring about."""
        return self.tally.count(judge.WRONG_CLOSE) if self._plan.blind else len(self.tally.faults)

    def _in_time(self, begin: float, untold: int) -> bool:
        """``untold``: targets of this epoch, which are not in the tally yet."""
        spent = time.monotonic() - begin
        few = self.tally.attempts + untold < self._plan.least
        return spent < self._plan.seconds or (few and spent < LONGEST_S)

    def _epoch(self, aimer: Aimer, begin: float) -> None:
        members = self._stage.start(self._next_kinds(), self._rng.getrandbits(30))
        attempts: list[tuple[judge.Attempt, str]] = []
        remains: list[Remains] = []
        for _turn in range(CALLS_PER_EPOCH):
            if self._in_time(begin, sum(len(attempt.answer.results) for attempt, _how in attempts)):
                attempts.append(self._attempt(aimer, members))
                self.tally.faults += _left_stopped(attempts[-1][0])
                remains += _still_there(attempts[-1][0])
        self.tally.faults += [judge.Fault(judge.DEAD, line) for line in cast.end(members)]
        self._judge(members, attempts, remains)

    def _next_kinds(self) -> list[str]:
        """All kinds have their turn before one comes again."""
        number = min(VICTIMS_AT_ONCE, len(self._plan.kinds))
        if len(self._waiting) < number:
            self._waiting = self._rng.sample(self._plan.kinds, len(self._plan.kinds))
        chosen, self._waiting = self._waiting[:number], self._waiting[number:]
        return chosen

    def _judge(
        self, members: list[cast.Member], attempts: list[tuple[judge.Attempt, str]], remains: list[Remains]
    ) -> None:
        events = {member.kind: diaries.read(member.log) for member in members}
        history = History(events)
        for attempt, how in attempts:
            self.tally.add(attempt, history, how)
        self.tally.faults += judge.faults(history, [attempt for attempt, _how in attempts])
        self.tally.faults += judge.journal([attempt for attempt, _how in attempts], self._journal_lines())
        self.tally.faults += _told_away(remains, events)
        for member in members:
            member.log.unlink()

    def _journal_lines(self) -> list[dict[str, Any]]:
        """The product's own journal of this epoch."""
        if not self._journal.exists():
            return []
        lines = [json.loads(line) for line in self._journal.read_text().splitlines()]
        self._journal.unlink()
        return lines

    def _attempt(self, aimer: Aimer, members: list[cast.Member]) -> tuple[judge.Attempt, str]:
        aims = aimer.next([member.process.pid for member in members])
        arguments = {"targets": [aim.row for aim in aims], **self._options()}
        if not self._plan.blind and self._rng.random() < BY_ANSIBLE:
            return judge.Attempt(aims, arguments, module_call.by_ansible(arguments, self._control)), ANSIBLE
        manner = module_call.Manner(self._rng.choices(SETTLE_S, (50, 46, 4))[0], self._plan.blind)
        answer = module_call.in_process(arguments, self._folder, manner)
        return judge.Attempt(aims, arguments, answer), IN_PROCESS

    def _options(self) -> dict[str, Any]:
        choose = self._rng
        return {
            "method": choose.choice(("auto", "auto", "close", "placeholder")),
            "min_age": choose.choice((0.0, 0.0, 0.0, 0.2)),
            "force_close": choose.random() < 0.9,
            # Blindfolded, the product believes of every target that nobody watches it, and would refuse most.
            "force_unwatched": choose.random() < 0.3 or self._plan.blind,
            "force_runtime": choose.random() < 0.8,
            "allow_unread": choose.random() < 0.1,
            "max_stop_ms": choose.choice((1.0, 10.0, 100.0)),
            "journal": str(self._journal),
        }


def _left_stopped(attempt: judge.Attempt) -> Iterator[judge.Fault]:
    """Nobody is left stopped or traced."""
    for pid in {aim.row["pid"] for aim in attempt.aims}:
        state = _stuck(pid)
        if state:
            yield judge.Fault(judge.LEFT_STOPPED, f"pid {pid}: {state}")


def _still_there(attempt: judge.Attempt) -> Iterator[Remains]:
    """What is said to be closed and is not away."""
    for row in attempt.answer.results:
        stat = _procfs.stat(row["pid"])
        same = stat is not None and stat.start_time == row["start_time"]
        told_away = row["outcome"] in judge.DONE or row["reason"] in (decision.NOT_OPEN, decision.ANOTHER_FILE)
        if told_away and same and _procfs.link(row["pid"], row["fd"]) == f"socket:[{row['inode']}]":
            yield Remains(attempt.answer.begin, row)


def _told_away(remains: Iterable[Remains], events: Mapping[str, Iterable[diaries.Event]]) -> Iterator[judge.Fault]:
    """Those that have not come back.

    A ``passer`` sends the same socket again and again, so that it can arrive anew under the same number between the
    module's look and ours. The one that gets it writes that down after it has arrived, so the whole diary is needed.
    """
    got = [event for told in events.values() for event in told if event.name == diary.GOT]
    for begin, row in remains:
        who = (row["pid"], row["start_time"], row["inode"])
        if not any((one.pid, one.start_time, one.inode) == who and one.time > begin for one in got):
            yield judge.Fault(judge.WRONG_REPORT, f"{row}: the number still leads there")


def _stuck(pid: int) -> str | None:
    """How the process is stopped or traced, if it stays so."""
    deadline = time.monotonic() + LEFT_STOPPED_S
    while True:
        stat, status = _procfs.stat(pid), _procfs.status(pid)
        if stat is None or (stat.state not in "Tt" and status.get("TracerPid", "0") == "0"):
            return None
        if time.monotonic() > deadline:
            return f"state {stat.state}, tracer {status.get('TracerPid')}"
        time.sleep(0.01)
