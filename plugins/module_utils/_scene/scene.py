# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is kept of some processes and their host, in order of its weight."""

from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._scene import kernel, stacks, texts

Stacks = Callable[[int, Optional[str]], str]


class Wanted(NamedTuple):
    """``files``: paths on the host whose ends are kept too; ``log_bytes``: so much of the end of each."""

    pids: List[int]
    files: List[str]
    log_bytes: int
    stacks: bool
    py_spy: Optional[str]
    max_items: int


def collect(wanted: Wanted, proc: str = "/proc") -> Dict[str, texts.Text]:
    """Texts by relative path: what the kernel shows, then stacks, configuration and logs."""
    seen = kernel.capture(wanted.pids, wanted.max_items, proc)
    found = {name: texts.Text(text, 0) for name, text in seen.items()}
    if wanted.stacks:
        for pid in wanted.pids:
            found["%d/stacks" % pid] = texts.masked(stacks.of(pid, wanted.py_spy))
    for pid in wanted.pids:
        for path, text in _texts_of(pid, wanted.log_bytes, proc).items():
            found["%d/files%s" % (pid, path)] = text
    for path, text in texts.named(wanted.files, wanted.log_bytes).items():
        found["host/files%s" % path] = text
    return found


def _texts_of(pid: int, log_bytes: int, proc: str) -> Dict[str, texts.Text]:
    try:
        return texts.of_process(pid, log_bytes, proc)
    except OSError as exc:
        return {"": texts.Text("could not look: %s\n" % exc.strerror, 0)}
