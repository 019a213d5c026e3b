# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the threads of a process are in its code: by py-spy, which does not stop it, or by gdb, which does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from typing import List, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _runtime

#: Never beside the process's own interpreter: what its owner may change is not run with our rights.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DEADLINE_S = 20
_LONGEST = 1 << 20
_FRAMES = 64


def of(pid: int, py_spy: Optional[str]) -> str:
    """The stacks as text, or why there are none."""
    if _is_python(pid):
        program = py_spy or shutil.which("py-spy", path=_PATH)
        if program:
            return _run([program, "dump", "--nonblocking", "--pid", str(pid)])
    gdb = shutil.which("gdb", path=_PATH)
    if gdb is None:
        return "could not look: neither py-spy nor gdb is installed\n"
    return _run(_gdb(gdb, pid))


def _is_python(pid: int) -> bool:
    try:
        return _runtime.detect(pid).name in ("cpython", "pypy")
    except PermissionError:
        return False


def _gdb(gdb: str, pid: int) -> List[str]:
    settings = ("set confirm off", "set pagination off", "set auto-load off", "set debuginfod enabled off")
    words = [word for setting in settings for word in ("-iex", setting)]
    shown = "thread apply all backtrace %d" % _FRAMES
    return [gdb, "-nx", "-nh", "-q", "-batch", "--readnever", *words, "-p", str(pid), "-ex", shown]


def _run(argv: List[str]) -> str:
    """What the program says; it is killed when it takes too long, and the kernel lets go of the process then."""
    try:
        # run_command has no deadline.
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"LC_ALL": "C", "PATH": _PATH, "HOME": "/nonexistent"},
            start_new_session=True,
        )
    except OSError as exc:
        return "could not look: %s: %s\n" % (argv[0], exc.strerror)
    try:
        output = process.communicate(timeout=_DEADLINE_S)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return "could not look: %s took longer than %d s\n" % (argv[0], _DEADLINE_S)
    text = output.decode("utf-8", "replace")[:_LONGEST]
    return (
        text
        if process.returncode == 0
        else "could not look: %s ended with %d\n%s"
        % (
            argv[0],
            process.returncode,
            text,
        )
    )
