# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A supervisorctl that has started and logged in already, for orders where a tenth of a second counts.

A program with ``autorestart=true`` is started anew as soon as it ends. A ``stop`` that comes while it still boots finds
it without work and without a signal handler. The client alone takes longer to start than that.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from types import TracebackType
from typing import Iterable, Optional, Type

from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl import Access
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl_reply import (
    SupervisorctlError,
)

#: supervisord reaps in one turn of its loop and starts anew in the next, and each order is a turn.
_TIMES = 8
_BEGIN_S = 60
_END_S = 20
_LOOK_EVERY_S = 0.05
#: The answer to ``version``, which proves that orders reach supervisord.
_READY = re.compile(rb"(?:^|\s)\d+\.\d+[\w.]*\r?\n")


class StandingOrders:
    """A client that reads its commands from a pipe. Whether they were carried out, ask another one for the state."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client: Optional[subprocess.Popen[bytes]] = None

    def __enter__(self) -> StandingOrders:
        """Return when it answers. Raises SupervisorctlError when it does not."""
        try:
            # run_command waits for the end.
            self._client = subprocess.Popen(  # pylint: disable=ansible-bad-function,consider-using-with
                self._access.argv(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={**self._access.environ(), "PYTHONUNBUFFERED": "1"},
                preexec_fn=self._access.give_up_rights,  # noqa: PLW1509 - a module has no threads
            )
        except (OSError, subprocess.SubprocessError) as exc:
            raise SupervisorctlError("cannot run %s: %s" % (self._access.client, exc)) from exc
        try:
            self._wait_until_ready(self._client)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        try:
            if client.stdin is not None:
                client.stdin.close()
            client.wait(timeout=_END_S)
        except (OSError, subprocess.SubprocessError):
            client.kill()
            client.wait()
        if client.stdout is not None:
            client.stdout.close()

    def signal(self, name: str, programs: Iterable[str]) -> None:
        """Order a signal; returns before it is sent. Raises SupervisorctlError when the client is gone."""
        self._order("signal %s %s\n" % (name, " ".join(programs)))

    def stop(self, program: str) -> None:
        """Order ``stop`` a few times over; returns before it is done. Raises as :meth:`signal`."""
        self._order("stop %s\n" % program * _TIMES)

    def _order(self, text: str) -> None:
        client = self._client
        if client is None or client.stdin is None or client.poll() is not None:
            raise SupervisorctlError("supervisorctl has ended unasked")
        # What it says is read away, or it would wait for somebody to do so.
        _said(client)
        try:
            client.stdin.write(text.encode())
            client.stdin.flush()
        except OSError as exc:
            raise SupervisorctlError("supervisorctl has ended unasked: %s" % exc) from exc

    def _wait_until_ready(self, client: subprocess.Popen[bytes]) -> None:
        if client.stdout is not None:
            os.set_blocking(client.stdout.fileno(), False)
        self._order("version\n")
        deadline, said = time.monotonic() + _BEGIN_S, b""
        while not _READY.search(said):
            if client.poll() is not None or time.monotonic() >= deadline:
                raise SupervisorctlError("supervisorctl takes no orders from a pipe; nothing was stopped")
            time.sleep(_LOOK_EVERY_S)
            said += _said(client)


def _said(client: subprocess.Popen[bytes]) -> bytes:
    said = client.stdout.read() if client.stdout is not None else None
    return said or b""
