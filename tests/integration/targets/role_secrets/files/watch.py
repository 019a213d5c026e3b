# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for secrets in arguments and environments of processes, and keep the system log, until told to stop: ``FOLDER``.

FOLDER/secrets.json is a JSON object, name -> text. FOLDER/enough is the sign to stop. FOLDER/seen.json becomes a JSON
object: "seen", a list of [name, "argv" or "environ", name of the process], and "sweeps", how often all were looked at.
FOLDER/syslog gets what programs send to /dev/log; where somebody listens there already, the machine's own log has it.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAUSE_S = 0.02
LOG = Path("/dev/log")
#: So that it ends when the test is killed. No test takes that long, on a loaded machine either.
LONGEST_S = 1500.0


def _read(pid: str, name: str) -> bytes:
    try:
        with open("/proc/%s/%s" % (pid, name), "rb") as stream:
            return stream.read()
    except OSError:
        return b""


def _sweep(secrets: dict[str, bytes], seen: set[tuple[str, str, str]]) -> None:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for place, file in (("argv", "cmdline"), ("environ", "environ")):
            text = _read(pid, file)
            for name, secret in secrets.items():
                if secret in text:
                    seen.add((name, place, _read(pid, "comm").decode("utf-8", "replace").strip()))


@contextmanager
def _system_log(target: Path) -> Iterator[None]:
    """Take the place of a syslog daemon (syslog(3)) where there is none."""
    if LOG.exists() and not _deserted():
        yield
        return
    LOG.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener, target.open("wb", buffering=0) as kept:
        listener.bind(str(LOG))
        threading.Thread(target=_keep, args=(listener, kept.fileno()), daemon=True).start()
        try:
            yield
        finally:
            LOG.unlink(missing_ok=True)


def _deserted() -> bool:
    """Whether nobody listens there any more: a watch that was killed left it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as caller:
        return caller.connect_ex(str(LOG)) != 0


def _keep(listener: socket.socket, kept: int) -> None:
    while True:
        os.write(kept, listener.recv(1 << 20) + b"\n")


def _wanted(folder: Path) -> bool:
    """Whether the test goes on; one that failed removes the folder."""
    return folder.exists() and not (folder / "enough").exists()


def main() -> None:
    """Sweep until the stop file is there."""
    os.umask(0o077)
    folder = Path(sys.argv[1])
    secrets = {name: text.encode() for name, text in json.loads((folder / "secrets.json").read_text()).items()}
    seen: set[tuple[str, str, str]] = set()
    sweeps = 0
    deadline = time.monotonic() + LONGEST_S
    with _system_log(folder / "syslog"):
        while _wanted(folder) and time.monotonic() < deadline:
            _sweep(secrets, seen)
            sweeps += 1
            time.sleep(PAUSE_S)
    if not folder.exists():
        return
    draft = folder / "seen.draft"
    draft.write_text(json.dumps({"seen": sorted(seen), "sweeps": sweeps}))
    draft.rename(folder / "seen.json")


if __name__ == "__main__":
    main()
