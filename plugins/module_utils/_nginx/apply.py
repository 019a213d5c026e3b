# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files into place, and the running nginx onto them; when that fails, both as they were."""

from __future__ import annotations

import fnmatch
import os
from pathlib import Path
from typing import NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils import _file_set
from ansible_collections.closewait.remediation.plugins.module_utils._file_set import Change, Written
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import files as nginx_files
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import main_level as nginx_main_level
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import probe as nginx_probe
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import process as nginx_process
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import program as nginx_program
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import reload as nginx_reload
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.probe import Probe
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.process import Master
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.program import NginxError, Program


class NotAppliedError(Exception):
    """It failed; the text says why, and how files and service are now."""


class Place(NamedTuple):
    """Which nginx; None leaves a path to its configuration."""

    program: Program
    pid_file: Optional[str]
    error_log: Optional[str]
    backup_folder: str


class Service(NamedTuple):
    """``master`` None: nginx does not run. ``error_log`` None: it is no file."""

    program: Program
    master: Optional[Master]
    error_log: Optional[str]
    patterns: Sequence[str]


class Limits(NamedTuple):
    """Seconds: for the new workers, and for each probe."""

    reload: float
    probe: float


class Applied(NamedTuple):
    """``workers`` None: there was nothing to reload."""

    written: Sequence[Written]
    workers: Optional[nginx_reload.Workers]


def look(program: Program, pid_file: Optional[str], error_log: Optional[str]) -> Service:
    """The files and the master that belong to them. Raises ConfigError, NginxError, OSError."""
    build = nginx_program.build(program.path)
    files = nginx_files.read(program.config_file)
    folder = os.path.dirname(os.path.abspath(program.config_file))
    prefix = program.prefix or build.prefix
    pid_path = pid_file or nginx_main_level.pid_file(files, folder, prefix, build.pid_path)
    log_path = error_log or nginx_main_level.error_log(files, folder, prefix, build.error_log_path)
    master = nginx_process.master(pid_path)
    if master is not None and pid_file is None:
        nginx_process.check_reads(master, program, build)
    return Service(program, master, log_path, sorted(files.includes))


def check_backup_folder(service: Service, folder: str) -> None:
    """Raises NginxError when nginx would read a backup in that folder."""
    copy = os.path.join(os.path.realpath(folder), "etc_nginx_nginx.conf.20260101T000000.000000Z")
    for pattern in service.patterns:
        resolved = os.path.join(os.path.realpath(os.path.dirname(pattern)), os.path.basename(pattern))
        if fnmatch.fnmatchcase(copy, resolved):
            raise NginxError("backups in %s would be read as configuration (include %s)" % (folder, pattern))


def is_stale(service: Service, paths: Sequence[str]) -> bool:
    """Whether one of the files is younger than a worker, so that what it says may not count yet."""
    if service.master is None:
        return False
    workers = nginx_process.workers(service.master.identity)
    oldest = min((nginx_process.started(worker) for worker in workers), default=None)
    if oldest is None:
        return True
    # /proc/stat gives the boot time in whole seconds.
    return any(os.stat(path).st_mtime > oldest + 1 for path in paths if os.path.exists(path))


def apply(service: Service, changes: Sequence[Change], folder: str, probes: Sequence[Probe], limits: Limits) -> Applied:
    """Write, test, reload, prove. Raises NotAppliedError after putting everything back.

    Raises ChangedError, HalfWrittenError and OSError of the writing.
    """
    written = _file_set.write(changes, folder)
    try:
        return Applied(written, _load(service, probes, limits))
    except (NginxError, OSError) as exc:
        raise NotAppliedError("%s. %s" % (exc, _back(service, _reverted(changes), folder, limits))) from exc


def undo(place: Place, written: Sequence[Written], limits: Limits) -> str:
    """Put back what another step wrote; how that went, in words. Raises NginxError, OSError."""
    changes = [_undone(item) for item in reversed(written)]
    try:
        _file_set.write(changes, place.backup_folder)
    except (_file_set.ChangedError, _file_set.HalfWrittenError, OSError) as exc:
        return "And the files could NOT be put back (%s): %s" % (_paths(changes), exc)
    # Only now: what was written may have been what could not be read.
    return _loaded_again(look(place.program, place.pid_file, place.error_log), changes, limits)


def _undone(item: Written) -> Change:
    before = None if item.backup is None else Path(item.backup).read_bytes()
    return Change(item.path, _file_set.content(item.path), before, item.backup)


def load(service: Service, probes: Sequence[Probe], limits: Limits) -> Applied:
    """Test, reload and prove what is in the files. Raises NginxError."""
    return Applied([], _load(service, probes, limits))


def _load(service: Service, probes: Sequence[Probe], limits: Limits) -> Optional[nginx_reload.Workers]:
    nginx_program.test(service.program)
    if service.master is None:
        return None
    workers = nginx_reload.reload(service.master.identity, service.error_log, limits.reload)
    for probe in probes:
        nginx_probe.prove(probe, limits.probe)
    return workers


def _reverted(changes: Sequence[Change]) -> list[Change]:
    return [Change(item.path, item.after, item.before, item.like) for item in reversed(changes)]


def _back(service: Service, changes: Sequence[Change], folder: str, limits: Limits) -> str:
    try:
        _file_set.write(changes, folder)
    except (_file_set.ChangedError, _file_set.HalfWrittenError, OSError) as exc:
        return "And the files could NOT be put back (%s): %s" % (_paths(changes), exc)
    return _loaded_again(service, changes, limits)


def _loaded_again(service: Service, changes: Sequence[Change], limits: Limits) -> str:
    try:
        _load(service, [], limits)
    except (NginxError, OSError) as exc:
        return (
            "The files are as they were (%s), but nginx does not load them either, so that was so before: "
            "its old workers go on (%s)" % (_paths(changes), exc)
        )
    return "All is as it was before: files (%s) and running workers" % _paths(changes)


def _paths(changes: Sequence[Change]) -> str:
    return ", ".join(change.path for change in changes) or "none"
