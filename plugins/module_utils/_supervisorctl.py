# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions and orders to one supervisord through its own client."""

from __future__ import annotations

import os
import subprocess
from typing import NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _supervisorctl_reply as reply
from ansible_collections.closewait.remediation.plugins.module_utils._supervisorctl_reply import SupervisorctlError

#: A frozen supervisord accepts connections and never answers, and supervisorctl would wait for ever.
_ANSWER_S = 15
#: ``start`` answers once the program has been up for its ``startsecs``.
_START_S = 90


class Owner(NamedTuple):
    """Whose rights the client gets."""

    uid: int
    gid: int


class Access(NamedTuple):
    """How to reach supervisord: by its configuration file, else by its URL. Passwords stay in the file.

    ``owner`` is None for the rights of this process. The paths may come from the command line of a process, and the
    file may name Python code to load, so the client then gets the rights of that process and no more.
    """

    client: str
    configuration: Optional[str]
    url: Optional[str]
    owner: Optional[Owner]

    def argv(self, *words: str) -> list[str]:
        """The command line for an order; nothing in it is secret."""
        where = ["-c", self.configuration] if self.configuration else ["-s", self.url or ""]
        return [self.client, *where, *words]


class Supervisorctl:
    """One supervisord."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def status(self, program: str) -> reply.ProgramStatus:
        """State of ``group:name``. Raises SupervisorctlError."""
        return reply.status(self._ask("status", program))

    def signal(self, name: str, program: str) -> None:
        """Send a signal to the program's process. Raises SupervisorctlError."""
        reply.check_signalled(self._ask("signal", name, program))

    def start(self, program: str) -> None:
        """Start it unless it runs, and wait until it has stayed up. Raises SupervisorctlError."""
        reply.check_started(self._ask("start", program, seconds=_START_S))

    def _ask(self, *words: str, seconds: int = _ANSWER_S) -> str:
        argv = self._access.argv(*words)
        try:
            # No standard input: asked for a password, the client would wait for somebody to type one.
            # run_command has no time limit.
            answer = subprocess.run(  # pylint: disable=ansible-bad-function
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath), "HOME": "/"},
                preexec_fn=self._give_up_rights,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SupervisorctlError("supervisord gave no answer in %d seconds" % seconds) from None
        except (OSError, subprocess.SubprocessError) as exc:
            raise SupervisorctlError("cannot run %s: %s" % (argv[0], exc)) from exc
        return answer.stdout.decode("utf-8", "replace")

    def _give_up_rights(self) -> None:
        owner = self._access.owner
        if owner is not None and os.geteuid() == 0:
            os.setgroups([owner.gid])
            os.setresgid(owner.gid, owner.gid, owner.gid)
            os.setresuid(owner.uid, owner.uid, owner.uid)
