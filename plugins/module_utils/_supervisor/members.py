# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running processes of a group, and how each of them is to be brought to rest."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._celery import command as celery_command
from ansible_collections.closewait.remediation.plugins.module_utils._celery import control as celery_control
from ansible_collections.closewait.remediation.plugins.module_utils._celery.command import Worker
from ansible_collections.closewait.remediation.plugins.module_utils._celery.control import CeleryError
from ansible_collections.closewait.remediation.plugins.module_utils._restart.act import Identity
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import programs
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.drain import Member
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl_reply import ProgramStatus
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_conf_files import Tree


class How(NamedTuple):
    """``by_control``: Celery workers through their remote control; ``client``: its command line, None to tell it."""

    by_control: bool
    client: Optional[list[str]]


def running(found: dict[str, ProgramStatus]) -> dict[str, Identity]:
    """What runs of a settled group, by ``group:process``."""
    stats = {name: _procfs.stat(status.pid) for name, status in found.items() if status.pid is not None}
    return {name: Identity(stat.pid, stat.start_time) for name, stat in stats.items() if stat is not None}


def members(tree: Tree, group: str, processes: dict[str, Identity], how: How) -> list[Member]:
    """How to drain each of them. Raises CeleryError and PermissionError."""
    parts = programs.processes(tree, group)
    return [_member(tree, name, parts.get(name), process, how) for name, process in processes.items()]


def worker(tree: Tree, part: str, process: Optional[Identity]) -> Optional[Worker]:
    """The Celery worker that a program is, by the command in the files, else by that of its process."""
    found = celery_command.of_text(programs.command(tree, part))
    if found is None and process is not None:
        found = celery_command.of_argv(_procfs.cmdline(process.pid))
    return found


def _member(tree: Tree, name: str, part: Optional[str], process: Identity, how: How) -> Member:
    signal = (programs.settings(tree, part).stopsignal if part else None) or "TERM"
    found = worker(tree, part, process) if part else None
    if found is None or not how.by_control:
        _check_signal(name, process, signal)
        return Member(name, process, signal, None)
    client = celery_control.client_of(process, found, how.client)
    try:
        return Member(name, process, signal, celery_control.node(client, process, found.hostname))
    except CeleryError as exc:
        advice = "name its client (celery_command), or have it drained by its signal (drain_by)"
        raise CeleryError("%s is a Celery worker that cannot be asked: %s; %s" % (name, exc, advice)) from exc


def _check_signal(name: str, process: Identity, signal: str) -> None:
    remapped = _procfs.environ(process.pid).get("REMAP_SIGTERM")
    if signal == "TERM" and remapped:
        raise CeleryError("%s has REMAP_SIGTERM=%s: TERM would end its tasks instead of waiting" % (name, remapped))
