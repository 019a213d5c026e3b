# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what fd_close did and said was right, judged by the victims' diaries alone. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from .history import NEVER
from .victim import diary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .aims import Aim
    from .history import History
    from .module_call import Answer

DONE = ("closed", "replaced")
WRONG_CLOSE, DEAD, LEFT_STOPPED, WRONG_REPORT = "wrong close", "dead", "left stopped", "wrong report"
#: A socket that the victim never opened.
LEFT_BEHIND = "left behind"
#: So long after it wrote that it will close a bait, a victim has closed it, however loaded the machine is.
CLOSED_BY_THEN_NS = 20_000_000_000

Row = dict[str, Any]
Taken = dict[tuple[int, int], int]
"""(pid, inode) of what was reported done -> when that call had ended, in monotonic ns"""


class Fault(NamedTuple):
    """``kind``: one of those above."""

    kind: str
    what: str


class Attempt(NamedTuple):
    """One call of the module."""

    aims: Sequence[Aim]
    arguments: Mapping[str, Any]
    answer: Answer


def faults(history: History, attempts: Iterable[Attempt]) -> Iterator[Fault]:
    """Everything that was wrong in an epoch; ``attempts`` in the order of time."""
    for kind, event in history.faults:
        what = LEFT_BEHIND if event.name == diary.STRANGER else WRONG_CLOSE
        yield Fault(what, f"{kind} pid {event.pid} fd {event.fd} inode {event.inode}: {event.name} {event.note}")
    taken: Taken = {}
    for attempt in attempts:
        yield from _call(attempt)
        before = frozenset(taken)
        for row in attempt.answer.results:
            if row["outcome"] in DONE:
                taken.setdefault((row["pid"], row["inode"]), attempt.answer.end)
        for row in attempt.answer.results:
            yield from _result(row, _aim_of(row, attempt), attempt, history, before, taken)
    yield from _accounts(history, taken)


def _call(attempt: Attempt) -> Iterator[Fault]:
    """The module answers, with exactly one result for each target."""
    if attempt.answer.error is not None:
        yield Fault(WRONG_REPORT, f"the module failed: {attempt.answer.error}")
        return
    asked = sorted((aim.row["pid"], aim.row["fd"], aim.row["inode"]) for aim in attempt.aims)
    told = sorted((row["pid"], row["fd"], row["inode"]) for row in attempt.answer.results)
    if asked != told:
        yield Fault(WRONG_REPORT, f"asked for {asked}, told {told}")


def _aim_of(row: Row, attempt: Attempt) -> Aim:
    return next(aim for aim in attempt.aims if (aim.row["pid"], aim.row["fd"]) == (row["pid"], row["fd"]))


def _result(
    row: Row,
    aim: Aim,
    attempt: Attempt,
    history: History,
    before: frozenset[tuple[int, int]],
    taken: Taken,
) -> Iterator[Fault]:
    text = None
    if row["outcome"] in DONE:
        text = _wrongly_done(row, aim, attempt, history, before) or _held_elsewhere(row, aim, attempt, history, taken)
    elif row["outcome"] == "unwatched":
        text = None if row["inode"] in history.baits else "it was unwatched and never half-closed"
    elif row["outcome"] in {"gone", "changed"} and aim.way != "hostile":
        explained = _is_gone(row, attempt, history, taken)
        text = None if explained else "it was there all the time"
    elif row["outcome"] == "lost" and not history.ended(row["pid"], row["start_time"], attempt.answer.end):
        yield Fault(DEAD, f"{row}: the process did not end by itself")
    if text:
        kind = WRONG_CLOSE if row["outcome"] in {*DONE, "unwatched"} else WRONG_REPORT
        victim = history.kinds.get((row["pid"], row["start_time"]))
        answer = attempt.answer
        story = f"[{history.story(row['inode'], answer.begin)}; call ended {(answer.end - answer.begin) / 1e6:.1f}]"
        yield Fault(kind, f"{victim}: {text} {story}: {row} ({aim.way}, {dict(attempt.arguments, targets='...')})")


def _wrongly_done(
    row: Row, aim: Aim, attempt: Attempt, history: History, before: frozenset[tuple[int, int]]
) -> str | None:
    """Reasons that lie in the socket itself."""
    pid, inode = row["pid"], row["inode"]
    bait = history.baits.get(inode)
    if bait is None:
        return "it was never half-closed"
    unread = bait.note == "U" and not attempt.arguments["allow_unread"]
    if unread and not history.let_go(pid, inode, attempt.answer.end):
        return "it had unread bytes"
    if (pid, inode) in before:
        return "it had been closed by us before"
    if history.let_go(pid, inode, attempt.answer.begin - CLOSED_BY_THEN_NS):
        return "the victim had closed it long before"
    if aim.way == "hostile" and aim.row["start_time"] != row["start_time"]:
        return "it was named with another start time"
    return None


def _held_elsewhere(row: Row, aim: Aim, attempt: Attempt, history: History, taken: Taken) -> str | None:
    """Other processes that had it before, during and after the call."""
    inode = row["inode"]
    others = history.holders(inode, attempt.answer.begin, attempt.answer.end) - {row["pid"]}
    others = {pid for pid in others if (pid, inode) not in taken}
    if others:
        ghost = " as a ghost" if aim.row["ghost"] else ""
        return f"closed{ghost} while process {sorted(others)} had it"
    return None


def _is_gone(row: Row, attempt: Attempt, history: History, taken: Taken) -> bool:
    pid, inode, end = row["pid"], row["inode"], attempt.answer.end
    return (
        # Nobody writes down what becomes of a healthy connection, which a race of the look for targets may name. That
        # it is not there is looked at right after the call.
        inode not in history.baits
        or history.ended(pid, row["start_time"], end)
        or history.let_go(pid, inode, end)
        or (pid, inode) in taken
        or history.replaced_itself(pid, end)
        or _parent_let_go(pid, inode, history, end)
    )


def _parent_let_go(pid: int, inode: int, history: History, end: int) -> bool:
    """A child has only what its parent had when it was born."""
    bait = history.baits.get(inode)
    return bait is not None and bait.pid != pid and history.let_go(bait.pid, inode, end)


def journal(attempts: Iterable[Attempt], lines: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    """The product's journal of these attempts: whatever was done is in it, and nothing was left without an outcome."""
    written = Counter(_outcome(line) for line in lines if line["phase"] == "outcome")
    begun = Counter((line["id"], line["fd"]) for line in lines if line["phase"] == "intent")
    ended = Counter((line["id"], line["fd"]) for line in lines if line["phase"] == "outcome")
    if begun != ended:
        lonely = list((begun - ended) + (ended - begun))
        yield Fault(WRONG_REPORT, f"intents without outcome in the journal, or the reverse: {lonely[:5]}")
    done = [row for attempt in attempts for row in attempt.answer.results if row["outcome"] in DONE]
    for row in done:
        if not written[row["pid"], row["fd"], row["inode"], row["outcome"]]:
            yield Fault(WRONG_REPORT, f"not in the journal: {row}")


def _outcome(line: Mapping[str, Any]) -> tuple[int, int, int, str]:
    return line["process"]["pid"], line["fd"], line["inode"], line["outcome"]


def _accounts(history: History, taken: Taken) -> Iterator[Fault]:
    """What was reported and what the victims found must be the same."""
    for pid, inode in history.all(diary.VANISHED):
        if (pid, inode) not in taken:
            yield Fault(WRONG_CLOSE, f"pid {pid} inode {inode} vanished, and no result says so")
    for pid, inode in history.all(diary.STILL):
        # A victim that ends by itself looks a last time while a call may be at work on it, which then still closes it.
        if taken.get((pid, inode), NEVER) < history.when(diary.STILL, pid, inode):
            yield Fault(WRONG_REPORT, f"pid {pid} inode {inode} was reported closed and is still there")
