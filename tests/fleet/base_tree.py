# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a small Debian that the booted hosts stand on: made once, kept in the cache."""

from __future__ import annotations

import fcntl
import hashlib
import inspect
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .command import run

SUITE = "bookworm"
USER = "deploy"  # as whom Ansible comes, and becomes root by sudo
_PACKAGES = (
    *("systemd-sysv", "openssh-server", "sudo", "iproute2", "procps"),
    *("python3", "python3-psutil", "gdb-minimal"),  # what the collection needs
    *("redis-server", "nginx-light", "supervisor", "python3-celery", "python3-redis"),  # what is made to fail on them
)
_NOT_STARTED = ("redis-server.service", "nginx.service", "supervisor.service")
#: They would wake up in the middle of a test, or wait for somebody at a console.
_UNWANTED = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer"),
    *("console-getty.service", "e2scrub_reap.service", "systemd-networkd-wait-online.service"),
)
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
_LONGEST_S = 600.0
_COMPLETE = "complete"


def base_tree(cache: Path) -> Path:
    """The tree; made when the cache has none. Nobody may write into it: it lies under every host."""
    key = hashlib.sha256(inspect.getsource(sys.modules[__name__]).encode()).hexdigest()[:12]
    home = cache / "fleet" / f"{SUITE}-{key}"
    home.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive(home.parent / "lock"):
        if not (home / _COMPLETE).exists():
            for old in home.parent.glob(f"{SUITE}-*"):
                shutil.rmtree(old)
            home.mkdir()
            _build(home / "tree")
            (home / _COMPLETE).touch()
    return home / "tree"


@contextmanager
def _exclusive(lock: Path) -> Iterator[None]:
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(tree: Path) -> None:
    print(f"making the files of the fleet's hosts: Debian {SUITE} with {' '.join(_PACKAGES)}", flush=True)
    left_out = [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
    packages = f"--include={','.join(_PACKAGES)}"
    run(["mmdebstrap", "--quiet", "--variant=minbase", *left_out, packages, SUITE, tree], seconds=_LONGEST_S)
    run(["systemctl", "--quiet", f"--root={tree}", "disable", *_NOT_STARTED])
    run(["systemctl", "--quiet", f"--root={tree}", "mask", *_UNWANTED])
    run(["chroot", tree, "useradd", "--create-home", "--shell", "/bin/bash", USER])
    rule = tree / "etc/sudoers.d/fleet"
    rule.write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
    rule.chmod(0o440)
    # Else all hosts would be the same machine: systemd makes a new one where it finds none.
    (tree / "etc/machine-id").write_text("")
    for key in (tree / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
