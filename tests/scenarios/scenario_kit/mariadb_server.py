# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real MariaDB server with option files, data and socket of its own; root comes in by the socket."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .processes import Program, started
from .waiting import wait_for

USER = "shop"
_PASSWORD = "cZ3-scenario"  # noqa: S105 - of this scenario's own server
_OPTIONS = """\
# The database of a scenario.
[mysqld]
user = root
datadir = {directory}/data
socket = {directory}/sock
pid-file = {directory}/pid
log-error = {directory}/log
bind-address = 127.0.0.1
port = {port}
innodb-buffer-pool-size = 16M
innodb-log-file-size = 8M
wait_timeout = {timeout}
!includedir {directory}/conf.d/
"""
_TABLES = f"""
CREATE DATABASE shop;
CREATE TABLE shop.orders (id INT PRIMARY KEY AUTO_INCREMENT, item INT NOT NULL) ENGINE=InnoDB;
INSERT INTO shop.orders (item) VALUES (7), (8), (9);
CREATE USER '{USER}'@'%' IDENTIFIED BY '{_PASSWORD}';
GRANT SELECT, INSERT, DELETE ON shop.* TO '{USER}'@'%';
"""  # noqa: S608 - of this scenario


@dataclass(frozen=True)
class MariadbServer:
    """A running server on 127.0.0.1:``port``; ``directory`` has its files."""

    program: Program
    port: int
    directory: Path

    @property
    def url(self) -> str:
        """How SQLAlchemy comes in, as an ordinary user."""
        return f"mysql+pymysql://{USER}:{_PASSWORD}@127.0.0.1:{self.port}/shop"

    @property
    def more_options(self) -> Path:
        """An option file that it would read after the others."""
        return self.directory / "conf.d" / "zz-closewait.cnf"

    def sql(self, statement: str) -> list[list[str]]:
        """The rows of the answer to root."""
        argv = ["mariadb", f"--socket={self.directory}/sock", "--batch", "--skip-column-names"]
        run = subprocess.run(argv, input=statement, capture_output=True, text=True, timeout=60, check=True)
        return [line.split("\t") for line in run.stdout.splitlines()]

    def live_timeout(self) -> int:
        """``wait_timeout`` for sessions that connect from now on, in seconds."""
        return int(self.sql("SELECT @@GLOBAL.wait_timeout")[0][0])

    def stored_timeout(self) -> int:
        """``wait_timeout`` as its option files have it; the last line wins."""
        files = [self.directory / "my.cnf", *sorted((self.directory / "conf.d").glob("*.cnf"))]
        return int(re.findall(r"^wait_timeout\s*=\s*(\d+)", "\n".join(map(Path.read_text, files)), re.MULTILINE)[-1])

    def set_timeout(self, seconds: int) -> None:
        """Have it as it was: live, and no further option file."""
        self.sql(f"SET GLOBAL wait_timeout = {seconds}")
        self.more_options.unlink(missing_ok=True)

    def sessions(self) -> list[int]:
        """Ids of the sessions of the ordinary user."""
        ask = f"SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '{USER}'"  # noqa: S608 - of this scenario
        return [int(row[0]) for row in self.sql(ask)]

    def kill_sessions(self) -> None:
        """End all of them, as an administrator would."""
        for session in self.sessions():
            self.sql(f"KILL {session}")

    def wait_until_idle(self, seconds: int) -> None:
        """Wait until a session of the ordinary user has been idle for that long."""
        idle = f"FROM information_schema.PROCESSLIST WHERE USER = '{USER}' AND COMMAND = 'Sleep' AND TIME >= {seconds}"
        wait_for(lambda: self.sql(f"SELECT ID {idle}"), seconds + 120, "idle sessions")

    def answers(self) -> bool:
        """Whether root may ask."""
        try:
            return self.sql("SELECT 1") == [["1"]]
        except subprocess.SubprocessError:
            return False


@contextmanager
def mariadb_server(directory: Path, port: int, timeout: int) -> Iterator[MariadbServer]:
    """A server that closes sessions idle for ``timeout`` seconds, with a small shop in it."""
    (directory / "conf.d").mkdir(parents=True)
    options = directory / "my.cnf"
    options.write_text(_OPTIONS.format(directory=directory, port=port, timeout=timeout))
    install = ["mariadb-install-db", f"--defaults-file={options}", "--skip-test-db"]
    subprocess.run(
        [*install, "--auth-root-authentication-method=socket", "--auth-root-socket-user=root"],
        stdout=subprocess.DEVNULL,
        timeout=240,
        check=True,
    )
    with started(["mariadbd", f"--defaults-file={options}"], directory / "console.log") as program:
        server = MariadbServer(program, port, directory)
        wait_for(server.answers, 240, "MariaDB to answer")
        server.sql(_TABLES)
        yield server
