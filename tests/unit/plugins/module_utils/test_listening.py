# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where this process listens, with what it opens, and tables of unix sockets."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _listening


def test_this_process_listens_where_it_listens(tmp_path: Path) -> None:
    path = str(tmp_path / "a b.sock")
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as unix, socket.socket(socket.AF_UNIX) as client:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        unix.bind(path)
        unix.listen()
        client.connect(path)
        place = _listening.listening(os.getpid())
        assert place.tcp == [("127.0.0.1", tcp.getsockname()[1])]
        assert place.unix == [path]
        assert place.netns.netns == os.stat("/proc/self/ns/net").st_ino


def test_a_process_that_is_gone_raises() -> None:
    with pytest.raises(FileNotFoundError):
        _listening.listening(2**22 + 1)


def test_listening_unix_sockets_are_told_from_accepted_and_abstract_ones() -> None:
    table = [
        "Num       RefCount Protocol Flags    Type St Inode Path\n",
        "0000000000000000: 00000002 00000000 00010000 0001 01 501 /run/redis/my server.sock\n",
        "0000000000000000: 00000003 00000000 00000000 0001 03 502 /run/redis/accepted.sock\n",
        "0000000000000000: 00000002 00000000 00010000 0001 01 503 @abstract\n",
        "0000000000000000: 00000002 00000000 00010000 0001 01 504 /run/other.sock\n",
        "0000000000000000: 00000002 00000000 00000000 0002 01 505\n",
    ]
    assert _listening.unix_listeners(table, {501, 502, 503, 505}) == ["/run/redis/my server.sock"]
