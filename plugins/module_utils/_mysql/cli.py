# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to a MariaDB or MySQL server through its own command line client."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from contextlib import contextmanager
from typing import Iterator, NamedTuple, Optional, Sequence

CLIENTS = ("mariadb", "mysql")
_FOLDERS = ("/usr/bin", "/usr/local/bin", "/usr/local/mysql/bin")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\t": "\\t"}


class MysqlError(Exception):
    """No answer, or one that says no; the text is the client's."""


class Endpoint(NamedTuple):
    """Where the server listens; a unix socket takes precedence. All None: where the client looks by itself."""

    host: Optional[str] = None
    port: Optional[int] = None
    unix_socket: Optional[str] = None


def find_client(wanted: Optional[str] = None) -> Optional[str]:
    """Path of the client program, None when there is none."""
    folders = os.pathsep.join([os.environ.get("PATH", os.defpath), *_FOLDERS])
    found = (shutil.which(name, path=folders) for name in ([wanted] if wanted else CLIENTS))
    return next(filter(None, found), None)


@contextmanager
def login_file(username: Optional[str], password: Optional[str]) -> Iterator[Optional[str]]:
    """Path of an option file of mode 0600 with the login, for as long as it is needed; None when there is no login.

    Raises MysqlError for what an option file cannot hold.
    """
    entries = [(name, value) for name, value in (("user", username), ("password", password)) if value is not None]
    if not entries:
        yield None
        return
    with tempfile.NamedTemporaryFile("w", prefix="closewait-", suffix=".cnf", encoding="utf-8") as stream:  # mode 0600
        stream.write("[client]\n" + "".join('%s="%s"\n' % (name, _escaped(name, value)) for name, value in entries))
        stream.flush()
        yield stream.name


def check_login_file(path: str) -> None:
    """Raises MysqlError when others may read a file with a password."""
    try:
        state = os.stat(path)
    except OSError as exc:
        raise MysqlError("%s: %s" % (path, exc.strerror)) from exc
    if stat.S_IMODE(state.st_mode) & 0o077:
        raise MysqlError("%s may be read by others: set its mode to 0600, and change the password in it" % path)


def _escaped(name: str, value: str) -> str:
    if any(ord(letter) < 32 and letter != "\t" for letter in value):
        raise MysqlError("the %s has a control character, which no option file can hold" % name)
    return "".join(_ESCAPES.get(letter, letter) for letter in value)


class MysqlCli:
    """One server, asked by one process of the client each time, for at most ``reply_timeout`` seconds."""

    def __init__(self, client: str, endpoint: Endpoint, login: Optional[str], reply_timeout: float) -> None:
        # --defaults-extra-file has to be the first option.
        self._argv = [client, *(["--defaults-extra-file=" + login] if login else []), *_where(endpoint, reply_timeout)]
        self._reply_timeout = reply_timeout

    def rows(self, statement: str) -> list[list[str]]:
        """The rows of the answer as text. Raises MysqlError."""
        return [line.split("\t") for line in self._answer(statement).splitlines()]

    def _answer(self, statement: str) -> str:
        environment = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
        try:
            # Not AnsibleModule.run_command: no module is at hand here, and this has a time limit.
            run = subprocess.run(  # pylint: disable=ansible-bad-function
                [*self._argv, "--batch", "--skip-column-names"],
                input=statement.encode("utf-8"),
                env={**environment, "LC_ALL": "C"},
                capture_output=True,
                timeout=self._reply_timeout * 2,
                check=False,
            )
        except subprocess.TimeoutExpired as exc:
            raise MysqlError("no answer within %g seconds" % exc.timeout) from exc
        except OSError as exc:
            raise MysqlError("cannot run %s: %s" % (self._argv[0], exc.strerror)) from exc
        if run.returncode != 0:
            raise MysqlError(" ".join(run.stderr.decode("utf-8", "replace").split())[:500] or "no answer")
        return run.stdout.decode("utf-8", "replace")


def _where(endpoint: Endpoint, reply_timeout: float) -> Sequence[str]:
    limit = "--connect-timeout=%d" % max(1, round(reply_timeout))
    if endpoint.unix_socket:
        return [limit, "--protocol=socket", "--socket=" + endpoint.unix_socket]
    if endpoint.host or endpoint.port:
        address, port = endpoint.host or "127.0.0.1", endpoint.port or 3306
        return [limit, "--protocol=tcp", "--host=" + address, "--port=%d" % port]
    return [limit]
