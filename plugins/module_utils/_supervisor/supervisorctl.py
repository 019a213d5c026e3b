# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions and orders to one supervisord through its own client."""

from __future__ import annotations

import os
import subprocess
from typing import Mapping, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import supervisorctl_reply as reply
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl_reply import (
    SupervisorctlError,
)

#: A frozen supervisord accepts connections and never answers, and supervisorctl would wait for ever.
_ANSWER_S = 15
#: ``start`` answers once the program has been up for its ``startsecs``.
_START_S = 90
#: How much of the end of its log is looked at.
_LOG_BYTES = 200000


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

    def environ(self) -> dict[str, str]:
        """All that the client needs to know."""
        return {"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath), "HOME": "/"}

    def give_up_rights(self) -> None:
        """What the client does before it starts."""
        if self.owner is not None and os.geteuid() == 0:
            os.setgroups([self.owner.gid])
            os.setresgid(self.owner.gid, self.owner.gid, self.owner.gid)
            os.setresuid(self.owner.uid, self.owner.uid, self.owner.uid)


class Supervisorctl:
    """One supervisord."""

    def __init__(self, access: Access) -> None:
        self._access = access

    @property
    def access(self) -> Access:
        """How it is reached."""
        return self._access

    def status(self, program: str) -> reply.ProgramStatus:
        """State of ``group:name``. Raises SupervisorctlError."""
        return reply.status(self._ask("status", program))

    def signal(self, name: str, program: str) -> None:
        """Send a signal to the program's process. Raises SupervisorctlError."""
        reply.check_signalled(self._ask("signal", name, program))

    def start(self, program: str) -> None:
        """Start it unless it runs, and wait until it has stayed up. Raises SupervisorctlError."""
        reply.check_started(self._ask("start", program, seconds=_START_S))

    def group(self, name: str) -> dict[str, reply.ProgramStatus]:
        """State of each process of a group, by ``group:name``. Raises SupervisorctlError."""
        return _full_names(reply.statuses(self._ask("status", name + ":*")))

    def everything(self) -> dict[str, reply.ProgramStatus]:
        """State of each process, as in :meth:`group`. Raises SupervisorctlError."""
        return _full_names(reply.statuses(self._ask("status")))

    def reread(self) -> dict[str, str]:
        """Have the files read again and compared with what runs; starts and stops nothing. Raises SupervisorctlError.

        A group that is not in the answer runs with exactly what the files say now.
        """
        return reply.changes(self._ask("reread"))

    def update(self, group: str, seconds: int) -> None:
        """Replace a group by what the files say; what still runs of it is stopped first. Raises SupervisorctlError."""
        reply.check_updated(self._ask("update", group, seconds=seconds), group)

    def stop(self, program: str, seconds: int) -> None:
        """Stop it; killed when it takes longer than its ``stopwaitsecs``. Raises SupervisorctlError."""
        reply.check_stopped(self._ask("stop", program, seconds=seconds))

    def killed(self) -> Optional[list[str]]:
        """Lines on SIGKILL at the end of supervisord's log; None when it has none. Raises SupervisorctlError."""
        return reply.killed(self._ask("maintail", "-%d" % _LOG_BYTES))

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
                env=self._access.environ(),
                preexec_fn=self._access.give_up_rights,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SupervisorctlError("supervisord gave no answer in %d seconds" % seconds) from None
        except (OSError, subprocess.SubprocessError) as exc:
            raise SupervisorctlError("cannot run %s: %s" % (argv[0], exc)) from exc
        return answer.stdout.decode("utf-8", "replace")


def _full_names(found: Mapping[str, reply.ProgramStatus]) -> dict[str, reply.ProgramStatus]:
    # A process with the name of its group is shown by that one name.
    return {shown if ":" in shown else "%s:%s" % (shown, shown): status for shown, status in found.items()}
