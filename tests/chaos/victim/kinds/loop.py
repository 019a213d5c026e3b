# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thread, one epoll loop, which also hears its healthy connections through epoll and spins on the baits."""

from __future__ import annotations

import os
import select
import time

from ...peer import NONCE
from .. import place, work


class Loop(work.Work):
    """Answers count only when epoll has announced them: a registration that was taken away shows."""

    def open_healthy(self) -> None:
        super().open_healthy()
        fd = next(reversed(self.healthy), None)
        if fd is not None:
            self.epoll.register(fd, select.EPOLLIN)

    def check(self) -> None:
        waiting = {fd: self.rng.randbytes(NONCE) for fd in self.healthy}
        for fd in list(waiting):
            try:
                os.write(fd, waiting[fd])
            except OSError as exc:
                del waiting[fd]
                self.lose(fd, exc)
        deadline = time.monotonic() + work.PATIENCE_S
        while waiting and time.monotonic() < deadline:
            for fd, _events in self.epoll.poll(1):
                if fd in waiting:
                    self._hear(fd, waiting.pop(fd))
        for fd in waiting:
            self.lose(fd, "epoll does not announce it any more")

    def _hear(self, fd: int, nonce: bytes) -> None:
        try:
            self.expect(fd, self.healthy[fd].secret + nonce)
        except OSError as exc:
            self.lose(fd, exc)


def looping(given: place.Place) -> Loop:
    """A loop for a process with one thread."""
    plain = given.alone()
    return Loop(plain.diary, plain.rng, plain.port, plain.numbers, plain.epoll)


def run(given: place.Place) -> None:
    load = looping(given)
    while given.go_on():
        load.round()
    place.last_words(load)
