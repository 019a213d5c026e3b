# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which supervisord is meant, and what it runs right now."""

from __future__ import annotations

import os
from typing import NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _container, _procfs, _supervision
from ansible_collections.closewait.remediation.plugins.module_utils._restart.act import Identity
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import supervisord_location
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl import Access
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_conf import ConfError
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_location import Supervisord


class Chosen(NamedTuple):
    """``main``: its configuration file, which may not be there yet; ``daemon``: None when none runs with that file."""

    main: str
    daemon: Optional[Supervisord]

    def environ(self) -> dict[str, str]:
        """The environment that ``%(ENV_X)s`` is taken from; empty when it does not run. Raises PermissionError."""
        return _procfs.environ(self.daemon.pid) if self.daemon else {}

    def access(self, client: Optional[str]) -> Access:
        """How to reach it, with its own rights. Raises ConfError when it cannot be reached."""
        if self.daemon is None:
            raise ConfError("no supervisord runs with %s" % self.main)
        program = client or supervisord_location.client_beside(self.daemon)
        if program is None:
            raise ConfError("there is no supervisorctl beside supervisord nor on PATH")
        return Access(program, self.main, None, self.daemon.owner)


def choose(path: Optional[str], default_path: str) -> Chosen:
    """The one with that file, without a file the only one there is, else the default file. Raises ConfError."""
    daemons = [item for item in supervisord_location.running() if _container.of(item.pid) is None]
    if path is not None:
        same = [item for item in daemons if item.configuration and _same(item.configuration, path)]
        return Chosen(path, same[0] if same else None)
    known = [(item.configuration, item) for item in daemons if item.configuration]
    if not daemons:
        return Chosen(default_path, None)
    if len(known) != 1 or len(daemons) != 1:
        names = ", ".join("%s (process %d)" % (item.configuration, item.pid) for item in daemons)
        raise ConfError("say which configuration file is meant, for there run: %s" % names)
    return Chosen(*known[0])


def processes(daemon: Supervisord) -> dict[str, Identity]:
    """What it runs, by ``group:process``, told from outside. Raises PermissionError."""
    found: dict[str, Identity] = {}
    for pid in _procfs.children(daemon.pid):
        stat = _procfs.stat(pid)
        supervisor = _supervision.from_environ(_procfs.environ(pid))
        if stat is not None and supervisor is not None:
            found[supervisor.name] = Identity(pid, stat.start_time)
    return found


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
