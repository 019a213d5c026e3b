# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Twisted web server whose log goes through the standard library: ``PORT HANDLER``, the log file is ``$BACKEND_LOG``.

HANDLER is ``rotating`` (the file is opened anew after each 2000 bytes) or ``plain`` (it stays open). The folder of the
log is made at the start, and only then. ``GET /`` is answered at once, ``GET /?cpu_ms=N`` after computing for so long,
``GET /?sleep_ms=N`` after a time in which others are answered.

Nothing is wrong with it, but what Twisted does with standard error: each line of it is an event for the log, so that a
handler which fails and reports it there (``logging.raiseExceptions``) calls itself, many times for each failure.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

from twisted.internet import reactor, task
from twisted.internet.defer import CancelledError
from twisted.python import log
from twisted.web import resource, server
from twisted.web.http import Request

_ROTATED_BYTES = 2000


class Page(resource.Resource):
    """The only page."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def render_GET(self, request: Request) -> bytes | int:  # noqa: N802 - Twisted's name
        until = time.process_time() + _seconds(request, b"cpu_ms")
        while time.process_time() < until:
            pass
        pause = _seconds(request, b"sleep_ms")
        if not pause:
            return b"ok\n"
        answer = task.deferLater(reactor, pause, _answer, request)
        # Who asked may have gone meanwhile.
        answer.addErrback(lambda failure: failure.trap(CancelledError))
        request.notifyFinish().addErrback(lambda _failure: answer.cancel())
        return int(server.NOT_DONE_YET)


def _seconds(request: Request, name: bytes) -> float:
    return int((request.args or {}).get(name, [b"0"])[0]) / 1000


def _answer(request: Request) -> None:
    request.write(b"ok\n")
    request.finish()


def _handler(kind: str, path: Path) -> logging.Handler:
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "rotating":
        return RotatingFileHandler(path, maxBytes=_ROTATED_BYTES, backupCount=2)
    return logging.FileHandler(path)


def main(port: int, kind: str) -> None:
    """Log and serve until told to end."""
    handler = _handler(kind, Path(os.environ["BACKEND_LOG"]))
    logging.basicConfig(level=logging.INFO, handlers=[handler], format="%(asctime)s %(message)s")
    log.startLoggingWithObserver(log.PythonLoggingObserver().emit)
    reactor.listenTCP(port, server.Site(Page()), interface="127.0.0.1")
    reactor.run()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
