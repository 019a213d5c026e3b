# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file systems a process sees, so that nobody asks a server that may never answer (proc_pid_mountinfo(5))."""

from __future__ import annotations

import re
from typing import Dict, NamedTuple, Optional

_ESCAPE = re.compile(r"\\([0-7]{3})")
#: Asking about a file there may wait for another machine or another process.
_REMOTE = re.compile(
    r"^(nfs\d?|cifs|smb\w*|ncpfs|afs|9p|ceph|gfs2?|ocfs2|lustre|glusterfs|beegfs|virtiofs|autofs|fuse.*)$"
)


class Mount(NamedTuple):
    """One mounted file system."""

    path: str
    kind: str

    @property
    def local(self) -> bool:
        """Whether this kernel alone can answer."""
        return not _REMOTE.match(self.kind)


def parse(text: str) -> Dict[int, Mount]:
    """By mount id, in the order of mounting: of two at one place the later one counts."""
    found: Dict[int, Mount] = {}
    for line in text.splitlines():
        head, _dash, tail = line.partition(" - ")
        fields, kind = head.split(" "), tail.split(" ")[0]
        if len(fields) >= 5 and kind:
            found[int(fields[0])] = Mount(_unescaped(fields[4]), kind)
    return found


def of(pid: int, proc: str = "/proc") -> Dict[int, Mount]:
    """The mounts of a process. Raises OSError."""
    with open("%s/%d/mountinfo" % (proc, pid), encoding="utf-8", errors="surrogateescape") as stream:
        return parse(stream.read())


def holding(mounts: Dict[int, Mount], path: str) -> Optional[Mount]:
    """The file system in which an absolute path lies; symbolic links are not followed."""
    best: Optional[Mount] = None
    for mount in mounts.values():
        inside = mount.path in ("/", path) or path.startswith(mount.path + "/")
        if inside and (best is None or len(mount.path) >= len(best.path)):
            best = mount
    return best


def _unescaped(path: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match.group(1), 8)), path)
