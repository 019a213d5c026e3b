# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time on a host: a lock file that says whose it is, and for how long nobody else need believe it gone.

No process on the host lives as long as a run of ansible-playbook does, so the lock is a lease (compare C. Gray and
D. Cheriton, "Leases", SOSP 1989) that the run renews. It lies in a file system that a start of the host empties.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from typing import Any, Container, Dict, Iterator, NamedTuple, Optional

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_LONGEST = 4096


class Lease(NamedTuple):
    """``run``: the id of a run. ``who``: user and controller, for people. Times in seconds since the epoch."""

    run: str
    who: str
    taken_at: float
    until: float


class Decision(NamedTuple):
    """``outcome``: taken, renewed, taken_over or held. ``reason``: a sentence that ends without a full stop."""

    outcome: str
    reason: str


class LockFileError(Exception):
    """The file cannot be used; the text says why and names it."""


def decide(found: Optional[Lease], run: str, now: float, dead: Container[str] = ()) -> Decision:
    """Whether the run may have the lock. Pure. ``dead``: runs of which somebody has made sure that they are."""
    if found is None:
        return Decision("taken", "nobody had it")
    if found.run == run:
        return Decision("renewed", "this run had it")
    held = "run %s of %s" % (found.run, found.who)
    if found.until <= now:
        return Decision("taken_over", "%s let its lease end %.0f s ago" % (held, now - found.until))
    if found.run in dead:
        return Decision("taken_over", "%s was declared dead" % held)
    return Decision("held", "%s has it for another %.0f s unless it renews it" % (held, found.until - now))


@contextlib.contextmanager
def opened(path: str) -> Iterator[int]:
    """The lock file, made (0600) with its folder (0700) if need be, and nobody else at it. Raises LockFileError."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(path, _FLAGS, 0o600)
    except OSError as exc:
        raise LockFileError("the lock %s cannot be opened: %s%s" % (path, exc.strerror, _hint())) from exc
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_uid != os.geteuid():
            raise LockFileError("the lock %s is not a file of the user who runs this" % path)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def read(descriptor: int) -> Optional[Lease]:
    """The lease in an opened lock file; None where there is none. Raises LockFileError when it is something else."""
    text = os.pread(descriptor, _LONGEST, 0)
    if not text.strip():
        return None
    try:
        return _lease(json.loads(text.decode("utf-8")))
    except (ValueError, TypeError, KeyError) as exc:
        raise LockFileError(
            "the lock holds something else than a lease (%r): look at it, then remove it" % exc
        ) from exc


def peek(path: str) -> Optional[Lease]:
    """The lease in the file, which is neither made nor locked. Raises LockFileError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise LockFileError("the lock %s cannot be read: %s" % (path, exc.strerror)) from exc
    try:
        return read(descriptor)
    finally:
        os.close(descriptor)


def write(descriptor: int, lease: Optional[Lease]) -> None:
    """Put the lease there, or with None leave the file empty: without its file two runs could hold two locks."""
    text = json.dumps(lease._asdict()).encode("utf-8") if lease else b""
    # Longer text first, then the end: a reader that does not lock sees no half lease that would parse as another one.
    os.pwrite(descriptor, text, 0)
    os.ftruncate(descriptor, len(text))
    os.fsync(descriptor)


def _hint() -> str:
    return "; run it as root (become: true), or set closewait_lock_file" if os.geteuid() else ""


def _lease(found: Dict[str, Any]) -> Lease:
    return Lease(str(found["run"]), str(found["who"]), float(found["taken_at"]), float(found["until"]))
