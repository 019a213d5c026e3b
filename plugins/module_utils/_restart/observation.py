# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything a decision on a restart needs to know about one process."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _cmdline, _container, _procfs, _supervision
from ansible_collections.closewait.remediation.plugins.module_utils._restart.act import Identity, alive
from ansible_collections.closewait.remediation.plugins.module_utils._restart.decision import Seen
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import supervisord_location
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl import (
    Access,
    Supervisorctl,
)
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl_reply import (
    ProgramStatus,
    SupervisorctlError,
)


class Observation(NamedTuple):
    """``access``: None when there is no supervisord to talk to."""

    seen: Seen
    access: Optional[Access]


def observe(process: Identity, client: Optional[str], configuration: Optional[str]) -> Observation:
    """Look at the process and ask its supervisord, if it has one. Raises PermissionError."""
    pid = process.pid
    stat = _procfs.stat(pid) if alive(process) else None
    supervisor = _supervision.of(pid) if stat else None
    container = _container.of(pid) if stat else None
    access = program = trouble = None
    if supervisor is not None and supervisor.kind == "supervisord" and container is None:
        access, trouble = _access(pid, supervisor.url, client, configuration)
        if access is not None:
            program, trouble = _ask(access, supervisor.name)
    seen = Seen(
        pid=pid,
        above=_procfs.ancestors(pid)[1:] if stat else [],
        cmdline=_cmdline.shown(_procfs.cmdline(pid)),
        state=stat.state if stat else None,
        container=container,
        kind=supervisor.kind if supervisor else None,
        name=supervisor.name if supervisor else None,
        program=program,
        trouble=trouble,
        client_argv=access.argv() if access else [],
        remapped_term=_procfs.environ(pid).get("REMAP_SIGTERM") if stat else None,
    )
    return Observation(seen, access)


def _access(
    pid: int, url: Optional[str], client: Optional[str], configuration: Optional[str]
) -> tuple[Optional[Access], Optional[str]]:
    daemon = supervisord_location.ancestor(pid)
    if daemon is None:
        return None, "it is an orphan, the supervisord that started it is not above it any more"
    if configuration is not None:
        # The caller vouches for the file, so nothing is taken from the process.
        program = client or supervisord_location.client_of_machine()
        access = Access(program or "", configuration, None, None)
    else:
        program = client or supervisord_location.client_beside(daemon)
        access = Access(program or "", daemon.configuration, url, daemon.owner)
    if program is None:
        return None, "there is no supervisorctl beside it nor on PATH"
    if access.configuration is None and access.url is None:
        return None, "neither its configuration file nor its address can be told"
    return access, None


def _ask(access: Access, name: str) -> tuple[Optional[ProgramStatus], Optional[str]]:
    try:
        return Supervisorctl(access).status(name), None
    except SupervisorctlError as exc:
        return None, str(exc)
