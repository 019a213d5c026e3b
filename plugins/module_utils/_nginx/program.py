# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program nginx or openresty: how it was built, and whether it takes a configuration."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from typing import NamedTuple, Optional

_VERSION = re.compile(r"^nginx version: (\S+)", re.MULTILINE)
_ARGUMENTS = re.compile(r"^configure arguments:(.*)$", re.MULTILINE)
_LONGEST_S = 60
_MORE_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/local/nginx/sbin")


class NginxError(Exception):
    """nginx refused or did not do what it should; the text says what, and what to do."""


class Build(NamedTuple):
    """``nginx -V``. Paths as nginx has them, made absolute with its prefix."""

    version: str
    prefix: str
    conf_path: str
    pid_path: str
    error_log_path: str
    http_log_path: str


class Program(NamedTuple):
    """What to call, and the files that it is told. ``prefix`` None: the one it was built with."""

    path: str
    config_file: str
    prefix: Optional[str]


def find(name: str) -> Optional[str]:
    """The program of that name or path; None when there is none."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_MORE_FOLDERS])
    return shutil.which(name, path=path)


def build(program: str) -> Build:
    """Raises NginxError."""
    return parse_build(_run([program, "-V"]))


def parse_build(text: str) -> Build:
    """The output of ``nginx -V``. Raises NginxError."""
    version, arguments = _VERSION.search(text), _ARGUMENTS.search(text)
    if version is None or arguments is None:
        raise NginxError("nginx -V says nothing that looks like nginx: %s" % text.strip()[:200])
    options = dict(word[2:].split("=", 1) for word in shlex.split(arguments.group(1)) if "=" in word)
    prefix = options.get("prefix", "/usr/local/nginx")
    # The defaults of auto/options.
    paths = [
        options.get("conf-path", "conf/nginx.conf"),
        options.get("pid-path", "logs/nginx.pid"),
        options.get("error-log-path", "logs/error.log"),
        options.get("http-log-path", "logs/access.log"),
    ]
    return Build(version.group(1), prefix, *(_absolute(prefix, path) for path in paths))


def test(program: Program) -> None:
    """``nginx -t``. Raises NginxError with its words. It does not see a port that another program holds."""
    argv = [program.path, "-t", "-c", program.config_file]
    argv += ["-p", program.prefix] if program.prefix else []
    text = _run(argv)
    if "test is successful" not in text:
        raise NginxError("nginx -t: %s" % " / ".join(_complaints(text)))


def _complaints(text: str) -> list[str]:
    """The lines that say why; all when none stands out."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    grave = [line for line in lines if "[emerg]" in line or "[crit]" in line]
    return (grave or lines or ["no output"])[:5]


def _absolute(prefix: str, path: str) -> str:
    return path if path == "stderr" else os.path.join(prefix, path)


def _run(argv: list[str]) -> str:
    environment = {"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)}
    try:
        # Not AnsibleModule.run_command: it knows no time limit, and nginx -t waits for name servers.
        answer = subprocess.run(  # pylint: disable=ansible-bad-function
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            timeout=_LONGEST_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as exc:
        raise NginxError("cannot run %s: %s" % (argv[0], exc)) from exc
    return answer.stdout.decode("utf-8", "replace")
