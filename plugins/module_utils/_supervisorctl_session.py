# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A supervisorctl that has started and logged in already, for orders where a tenth of a second counts.

A program with ``autorestart=true`` is started anew as soon as it ends. A ``stop`` that comes while it still boots finds
it without work and without a signal handler. The client alone takes longer to start than that.
"""

from __future__ import annotations

import subprocess
from types import TracebackType
from typing import Optional, Type

from ansible_collections.closewait.remediation.plugins.module_utils._supervisorctl import Access

#: supervisord reaps in one turn of its loop and starts anew in the next, and each order is a turn.
_TIMES = 8
_END_S = 20


class StandingOrders:
    """A client that reads its commands from a pipe. What it answers is not read: ask another one for the state."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client: Optional[subprocess.Popen[bytes]] = None

    def __enter__(self) -> StandingOrders:
        try:
            # run_command waits for the end.
            self._client = subprocess.Popen(  # pylint: disable=ansible-bad-function,consider-using-with
                self._access.argv(),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=self._access.environ(),
                preexec_fn=self._access.give_up_rights,  # noqa: PLW1509 - a module has no threads
            )
        except (OSError, subprocess.SubprocessError):
            self._client = None
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._client is None:
            return
        try:
            self._client.communicate(timeout=_END_S)
        except (OSError, subprocess.SubprocessError):
            self._client.kill()
            self._client.wait()

    def stop(self, program: str) -> None:
        """Order ``stop`` a few times over; returns before it is done."""
        if self._client is None or self._client.stdin is None:
            return
        try:
            self._client.stdin.write(b"stop %s\n" % program.encode() * _TIMES)
            self._client.stdin.flush()
        except OSError:
            self._client.kill()
