# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of the system calls that matter here, per machine.

Sources: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of the kernel.
"""

from __future__ import annotations

import platform
from typing import Dict, Mapping, Optional

_X86_64 = {
    "read": 0,
    "write": 1,
    "open": 2,
    "close": 3,
    "stat": 4,
    "fstat": 5,
    "lstat": 6,
    "poll": 7,
    "lseek": 8,
    "mmap": 9,
    "ioctl": 16,
    "pread64": 17,
    "pwrite64": 18,
    "readv": 19,
    "writev": 20,
    "access": 21,
    "select": 23,
    "dup": 32,
    "sendfile": 40,
    "socket": 41,
    "connect": 42,
    "accept": 43,
    "sendto": 44,
    "recvfrom": 45,
    "sendmsg": 46,
    "recvmsg": 47,
    "shutdown": 48,
    "bind": 49,
    "clone": 56,
    "fork": 57,
    "execve": 59,
    "kill": 62,
    "fcntl": 72,
    "fsync": 74,
    "fdatasync": 75,
    "truncate": 76,
    "ftruncate": 77,
    "rename": 82,
    "mkdir": 83,
    "rmdir": 84,
    "creat": 85,
    "link": 86,
    "unlink": 87,
    "symlink": 88,
    "readlink": 89,
    "chmod": 90,
    "chown": 92,
    "futex": 202,
    "epoll_wait": 232,
    "epoll_ctl": 233,
    "openat": 257,
    "mkdirat": 258,
    "newfstatat": 262,
    "unlinkat": 263,
    "renameat": 264,
    "readlinkat": 267,
    "faccessat": 269,
    "pselect6": 270,
    "ppoll": 271,
    "splice": 275,
    "epoll_pwait": 281,
    "fallocate": 285,
    "accept4": 288,
    "preadv": 295,
    "pwritev": 296,
    "recvmmsg": 299,
    "sendmmsg": 307,
    "renameat2": 316,
    "copy_file_range": 326,
    "preadv2": 327,
    "pwritev2": 328,
    "statx": 332,
    "io_uring_enter": 426,
    "openat2": 437,
    "faccessat2": 439,
    "epoll_pwait2": 441,
}
_AARCH64 = {
    "epoll_ctl": 21,
    "epoll_pwait": 22,
    "dup": 23,
    "fcntl": 25,
    "ioctl": 29,
    "mkdirat": 34,
    "unlinkat": 35,
    "renameat": 38,
    "truncate": 45,
    "ftruncate": 46,
    "fallocate": 47,
    "faccessat": 48,
    "openat": 56,
    "close": 57,
    "lseek": 62,
    "read": 63,
    "write": 64,
    "readv": 65,
    "writev": 66,
    "pread64": 67,
    "pwrite64": 68,
    "preadv": 69,
    "pwritev": 70,
    "sendfile": 71,
    "pselect6": 72,
    "ppoll": 73,
    "splice": 76,
    "readlinkat": 78,
    "newfstatat": 79,
    "fstat": 80,
    "fsync": 82,
    "fdatasync": 83,
    "futex": 98,
    "kill": 129,
    "socket": 198,
    "bind": 200,
    "accept": 202,
    "connect": 203,
    "sendto": 206,
    "recvfrom": 207,
    "shutdown": 210,
    "sendmsg": 211,
    "recvmsg": 212,
    "clone": 220,
    "execve": 221,
    "mmap": 222,
    "accept4": 242,
    "recvmmsg": 243,
    "sendmmsg": 269,
    "renameat2": 276,
    "copy_file_range": 285,
    "preadv2": 286,
    "pwritev2": 287,
    "statx": 291,
    "io_uring_enter": 426,
    "openat2": 437,
    "faccessat2": 439,
    "epoll_pwait2": 441,
}
_TABLES: Mapping[str, Mapping[str, int]] = {"x86_64": _X86_64, "aarch64": _AARCH64}

#: Those in which a loop waits for something to happen.
POLLS = ("poll", "select", "epoll_wait", "pselect6", "ppoll", "epoll_pwait", "epoll_pwait2", "io_uring_enter")
#: Those that, answered with more than zero, moved data or brought a connection.
MOVES = (
    *("read", "write", "pread64", "pwrite64", "readv", "writev", "preadv", "pwritev", "preadv2", "pwritev2"),
    *("sendfile", "splice", "copy_file_range", "accept", "accept4"),
    *("sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg"),
)


def numbers(machine: Optional[str] = None) -> Optional[Mapping[str, int]]:
    """Name to number on this machine; None where they are not known."""
    return _TABLES.get(machine or platform.machine())


def names(table: Mapping[str, int]) -> Dict[int, str]:
    """The other way round."""
    return {number: name for name, number in table.items()}
