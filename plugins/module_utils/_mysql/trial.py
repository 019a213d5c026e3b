# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server program makes of option files, without starting a server (``--verbose --help``)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from typing import Iterable, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils._mysql.conf import MysqlConfError

SERVERS = ("mariadbd", "mysqld")
_FOLDERS = ("/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/usr/local/mysql/bin", "/usr/bin", "/usr/local/bin")
_SECONDS = 30
_FILES = re.compile(r"Default options are read from the following files in the given order:\n(.*)")


def find_server(wanted: Optional[str] = None) -> Optional[str]:
    """Path of the server program, None when there is none."""
    folders = os.pathsep.join([os.environ.get("PATH", os.defpath), *_FOLDERS])
    found = (shutil.which(name, path=folders) for name in ([wanted] if wanted else SERVERS))
    return next(filter(None, found), None)


def default_files(server: str) -> list[str]:
    """Option files that the program reads when it is told of none. Raises MysqlConfError."""
    match = _FILES.search(_help(server, ["--no-defaults"]))
    if not match:
        raise MysqlConfError("%s does not say which option files it reads: set defaults_file" % server)
    return [path for path in match.group(1).split() if path.startswith("/")]


def values(server: str, mains: Sequence[str], names: Iterable[str]) -> dict[str, int]:
    """Values of numeric variables as the program reads them from these files.

    Raises MysqlConfError with its complaint.
    """
    with tempfile.TemporaryDirectory(prefix="closewait-") as folder:
        main = os.path.join(folder, "all.cnf")
        with open(main, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.writelines("!include %s\n" % path for path in mains if os.path.exists(path))
        text = _help(server, ["--defaults-file=" + main])
    return {name: _value(text, name) for name in names}


def values_with(server: str, mains: Sequence[str], draft: str, names: Iterable[str]) -> dict[str, int]:
    """The same with the text of one more file, read last. Raises MysqlConfError."""
    with tempfile.TemporaryDirectory(prefix="closewait-") as folder:
        path = os.path.join(folder, "draft.cnf")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(draft)
        return values(server, [*mains, path], names)


def _value(text: str, name: str) -> int:
    match = re.search(r"^%s\s+(\d+)\s*$" % name.replace("_", "-"), text, re.MULTILINE)
    if not match:
        raise MysqlConfError("the server program does not know %s" % name)
    return int(match.group(1))


def _help(server: str, arguments: list[str]) -> str:
    environment = {"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)}
    argv = [server, *arguments, "--verbose", "--help"]
    try:
        # Not AnsibleModule.run_command: this is called by collectors and tests too, and has a time limit.
        run = subprocess.run(  # pylint: disable=ansible-bad-function
            argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise MysqlConfError("cannot run %s: %s" % (server, exc)) from exc
    complaint = [line for line in run.stderr.decode("utf-8", "replace").splitlines() if "[ERROR]" in line]
    if run.returncode != 0 or complaint:
        raise MysqlConfError("the server would not start with these files: %s" % _short(complaint, run.stderr))
    return run.stdout.decode("utf-8", "replace")


def _short(complaint: list[str], stderr: bytes) -> str:
    text = " ".join(complaint) or stderr.decode("utf-8", "replace").strip()
    return " ".join(text.split())[-500:]
