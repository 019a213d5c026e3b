# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a process holds open for writing, and folders that its command line names and that are not there.

Both are asked through the process's own root, so that a container's files are found. File systems that another machine
serves are left alone: a server that is away would hold the one who asks.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils import _cmdline, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._progress import mounts as mounts_

MOST_FDS = 256
_DELETED = " (deleted)"
_MOUNT_ID = re.compile(r"^mnt_id:\s*(\d+)", re.MULTILINE)
_VALUE = re.compile(r"^(?:--?[\w.-]+=)?(/[^\0\n:;,]*)$")


class WrittenFile(NamedTuple):
    """``free_bytes``: what the process could still write on that file system, None where that was not asked."""

    fd: int
    path: str
    deleted: bool
    size: int
    free_bytes: Optional[int]


class MissingFolder(NamedTuple):
    """A path on the command line whose folder does not exist."""

    path: str
    folder: str


def open_for_writing(pid: int, fds: Sequence[int], proc: str = "/proc") -> Dict[int, WrittenFile]:
    """Regular files among these fds, by fd. What cannot be read or is gone meanwhile is left out."""
    known = mounts_.of(pid, proc)
    found: Dict[int, WrittenFile] = {}
    for fd in sorted(fds)[:MOST_FDS]:
        try:
            file = _file(pid, fd, known, proc)
        except OSError:
            continue
        if file is not None:
            found[fd] = file
    return found


def missing_folders(pid: int, proc: str = "/proc") -> List[MissingFolder]:
    """Of the paths on the command line. Raises OSError."""
    known = mounts_.of(pid, proc)
    found: List[MissingFolder] = []
    for word in _cmdline.shown(_procfs.cmdline(pid, proc)):
        match = _VALUE.match(word)
        folder = os.path.dirname(os.path.normpath(match.group(1))) if match else "/"
        if match and folder != "/" and _is_missing(pid, folder, known, proc):
            found.append(MissingFolder(match.group(1), folder))
    return found


def _file(pid: int, fd: int, known: Dict[int, mounts_.Mount], proc: str) -> Optional[WrittenFile]:
    info = _procfs.fdinfo(pid, fd, proc)
    match = _MOUNT_ID.search(info)
    mount = known.get(int(match.group(1))) if match else None
    if _procfs.fd_flags(pid, fd, proc) & os.O_ACCMODE == os.O_RDONLY or mount is None or not mount.local:
        return None
    place = "%s/%d/fd/%d" % (proc, pid, fd)
    about, link = os.stat(place), os.readlink(place)
    if not stat.S_ISREG(about.st_mode):
        return None
    path = link[: -len(_DELETED)] if link.endswith(_DELETED) else link
    return WrittenFile(fd, path, about.st_nlink == 0, about.st_size, _free(place))


def _free(place: str) -> Optional[int]:
    """Bytes for programs without privileges; None for file systems that count none (statvfs(3))."""
    try:
        answer = os.statvfs(place)
    except OSError:
        return None
    return answer.f_bavail * answer.f_frsize if answer.f_blocks else None


def _is_missing(pid: int, folder: str, known: Dict[int, mounts_.Mount], proc: str) -> bool:
    mount = mounts_.holding(known, folder)
    if mount is None or not mount.local:
        return False
    try:
        os.stat("%s/%d/root%s" % (proc, pid, folder))
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False
