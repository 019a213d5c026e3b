# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known about the log handlers of Python's standard library (bpo-18940, and the class it belongs to).

Until 2.7.6 and 3.3.3 a rotating handler renamed its file without looking whether there is one, and failed for ever once
it had vanished. Newer ones look, but any handler still fails where its folder is gone or its disk is full, and reports
that on standard error (logging.Handler.handleError). A program that has its standard error logged too calls itself
then.
"""

from __future__ import annotations

import re

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import Runtime

_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_FIXED = {(2, 7): 6, (3, 3): 3}


def has_fix(version: str | None) -> bool | None:
    """Whether a CPython of this version looks before it renames (bpo-18940); None when that cannot be told."""
    match = _NUMBERS.match(version or "")
    if match is None:
        return None
    minor = (int(match.group(1)), int(match.group(2)))
    if minor in _FIXED:
        return int(match.group(3)) >= _FIXED[minor] if match.group(3) else None
    return minor > (3, 3)


def told(runtime: Runtime | None) -> str | None:
    """What that means for a process, in a sentence; None for what is not CPython."""
    if runtime is None or runtime["name"] != "cpython":
        return None
    name = f"CPython {runtime['version'] or 'of unknown version'}"
    fixed = has_fix(runtime["version"])
    if fixed is None:
        return f"{name}: whether it has the fix of bpo-18940 (2.7.6, 3.3.3) is not known"
    if fixed:
        return f"{name} has the fix of bpo-18940 (a log file that vanished), but not of a folder gone or a disk full"
    return f"{name} lacks the fix of bpo-18940 (2.7.6, 3.3.3): its log rotation fails once the log file has vanished"


def advice(runtime: Runtime | None) -> str:
    """What to change in the program."""
    if runtime is None or runtime["name"] != "cpython":
        return "make the program bear that this call fails, instead of trying it again at once"
    upgrade = "" if has_fix(runtime["version"]) else "upgrade Python (2.7.6, 3.3.3 or newer look first), and "
    return (
        f"if it is its log: {upgrade}set logging.raiseExceptions = False, so that a handler that fails is silent and "
        "does not log its own failure; keep the standard error of a program out of the log that reports there"
    )
