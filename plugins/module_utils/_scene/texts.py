# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ends of logs and whole configuration files, with what is named like a secret masked.

Which files: those a process has open for writing (its logs), those with the usual endings that its command line names
(its configuration), and those that somebody named.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Dict, List, NamedTuple, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _cmdline, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._progress import mounts, written_files

_CONFIGURATION = re.compile(r"(?:^|=)(/[^\0]*\.(?:conf|cfg|ini|ya?ml|toml|json|cnf|properties))$")
MOST_FILES = 20
CONFIGURATION_BYTES = 256 << 10


class Text(NamedTuple):
    """``masked``: how many lines of it were changed."""

    text: str
    masked: int


def named(paths: List[str], log_bytes: int) -> Dict[str, Text]:
    """The ends of these files of the host, by path."""
    return {path: _said(path, path, log_bytes) for path in paths[:MOST_FILES]}


def of_process(pid: int, log_bytes: int, proc: str = "/proc") -> Dict[str, Text]:
    """Its logs and its configuration, by path as the process sees it. Raises OSError."""
    table = _procfs.fd_table(pid, proc)
    logs = written_files.open_for_writing(pid, sorted(table.others), proc)
    found = {file.path: _said("%s/%d/fd/%d" % (proc, pid, fd), file.path, log_bytes) for fd, file in logs.items()}
    for path in _configurations(pid, proc):
        found.setdefault(path, _said("%s/%d/root%s" % (proc, pid, path), path, CONFIGURATION_BYTES))
    return dict(list(found.items())[:MOST_FILES])


def masked(text: str) -> Text:
    """The text with what is named like a secret hidden, line by line."""
    pairs: List[Tuple[str, str]] = [(line, _cmdline.hidden(line)) for line in text.splitlines()]
    return Text("".join("%s\n" % after for _before, after in pairs), sum(before != after for before, after in pairs))


def _configurations(pid: int, proc: str) -> List[str]:
    known = mounts.of(pid, proc)
    matches = [_CONFIGURATION.search(word) for word in _cmdline.shown(_procfs.cmdline(pid, proc))]
    paths = [os.path.normpath(match.group(1)) for match in matches if match]
    return [path for path in paths if (mounts.holding(known, path) or mounts.Mount("/", "nfs")).local]


def _said(place: str, path: str, most: int) -> Text:
    try:
        return _end(place, most)
    except OSError as exc:
        return Text("could not look: %s: %s\n" % (path, exc.strerror), 0)


def _end(place: str, most: int) -> Text:
    """The last bytes; the line that they begin in is left out. Only of a regular file: others may block."""
    fd = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with os.fdopen(fd, "rb") as stream:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            return Text("could not look: it is no regular file\n", 0)
        skipped = max(0, about.st_size - most)
        stream.seek(skipped)
        text = stream.read(most).decode("utf-8", "replace")
    if not skipped:
        return masked(text)
    found = masked(text.partition("\n")[2])
    return found._replace(text="(the first %d bytes are left out)\n%s" % (skipped, found.text))
