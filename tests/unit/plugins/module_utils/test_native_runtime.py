# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and versions of runtimes that are no Python: from files made here, and from programs of this machine."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import List, Optional

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _native_runtime, _runtime
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    stat_line,
    tree,
    wait_until,
)

_INLINE = 2
_HEADERS_AT, _DATA_AT = 64, 4096


def _elf(data: bytes, flags: int = 6) -> bytes:
    """A 64-bit ELF file whose only segment is ``data``; ``flags`` 6: readable and writable."""
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQ", 2, 62, 1, 0, _HEADERS_AT, 0)
    header += struct.pack("<IHHHHHH", 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, flags, _DATA_AT, 0, 0, len(data), len(data), 4096)
    return (header + segment).ljust(_DATA_AT, b"\0") + data


def _go(version: bytes, flags: int = _INLINE) -> bytes:
    head = b"\xff Go buildinf:" + bytes([8, flags])
    return head.ljust(32, b"\0") + bytes([len(version)]) + version + b"\x05stuff"


@pytest.mark.parametrize(
    ("content", "names", "version"),
    [
        (_elf(_go(b"go1.22.5")), ["go"], "1.22.5"),
        (_elf(bytes(48) + _go(b"go1.18")), ["go"], "1.18"),
        (_elf(_go(b"go1.23rc2")), ["go"], "1.23rc2"),
        (_elf(_go(b"go1.21.4 X:boringcrypto")), ["go"], "1.21.4"),
        (_elf(_go(b"devel +1a2b3c")), ["go"], None),
        (_elf(_go(b"go1.17.1", flags=0)), ["go"], None),
        (_elf(b"\xff Go buildinf:"), ["go"], None),
        # Not aligned: a program that has the magic as a text of its own, as file(1) does.
        (_elf(bytes(8) + _go(b"go1.22.5")), [], None),
        (_elf(_go(b"go1.22.5"), flags=5), [], None),
        (_elf(bytes(65536) + _go(b"go1.22.5")), [], None),
        (_elf(b""), [], None),
        (_elf(_go(b"go1.22.5"))[:100], [], None),
        (b"\x7fELF\x02\x01", [], None),
        (_go(b"go1.22.5"), [], None),
        (b"", [], None),
    ],
)
def test_go_by_its_build_information(tmp_path: Path, content: bytes, names: List[str], version: Optional[str]) -> None:
    exe = tmp_path / "program"
    exe.write_bytes(content)
    assert _native_runtime.is_go(str(exe), []) is bool(names)
    assert _native_runtime.go_version(str(exe)) == version


@pytest.mark.parametrize(
    "mapped",
    [
        ["/usr/lib/libgomp.so.1", "/srv/libgo.so/libc.so.6"],
        ["/usr/lib/libmygo.so"],
    ],
)
def test_libraries_that_are_not_gccgo_s(mapped: List[str]) -> None:
    assert not _native_runtime.is_go("/nonexistent", mapped)


def test_go_by_the_library_of_gccgo() -> None:
    mapped = ["/lib/libc.so.6", "/usr/lib/x86_64-linux-gnu/libgo.so.21.0.0"]
    assert _native_runtime.is_go("/nonexistent", mapped)
    assert _native_runtime.go_version("/nonexistent") is None


@pytest.mark.parametrize(
    ("content", "version"),
    [
        (b'IMPLEMENTOR="x"\nJAVA_VERSION="21.0.4"\nJAVA_VERSION_DATE="2024-07-16"\n', "21.0.4"),
        (b'JAVA_VERSION="1.8.0_422"\n', "1.8.0_422"),
        (b'JAVA_RUNTIME_VERSION="21.0.4+7"\n', None),
        (b'JAVA_VERSION="$(id) <b>"\n', None),
        (b"x" * 20000 + b'\nJAVA_VERSION="21.0.4"\n', None),
        (b"", None),
    ],
)
def test_java_by_the_release_file(tmp_path: Path, content: bytes, version: Optional[str]) -> None:
    (tmp_path / "jvm").mkdir()
    (tmp_path / "jvm" / "release").write_bytes(content)
    assert _native_runtime.java_version(str(tmp_path), "/jvm/bin/java") == version


@pytest.mark.parametrize(
    ("content", "version"),
    [
        (b"x\0https://example.test/download/release/v22.9.0/node-v22.9.0.tar.gz\0", "22.9.0"),
        (b"/node-v18.19.1-headers.tar.gz", "18.19.1"),
        (b"/node-v18.19", None),
        (b"nothing", None),
        (b"", None),
    ],
)
def test_node_by_where_its_source_is(tmp_path: Path, content: bytes, version: Optional[str]) -> None:
    (tmp_path / "node").write_bytes(content)
    assert _native_runtime.node_version(str(tmp_path / "node")) == version


def test_a_fifo_in_a_file_s_place_does_not_make_us_wait(tmp_path: Path) -> None:
    os.mkfifo(str(tmp_path / "release"))
    assert _native_runtime.java_version(str(tmp_path), "/bin/java") is None
    assert _native_runtime.node_version(str(tmp_path / "release")) is None
    assert not _native_runtime.is_go(str(tmp_path / "release"), [])


def test_what_is_not_there(tmp_path: Path) -> None:
    assert _native_runtime.java_version(str(tmp_path), "/jvm/bin/java") is None
    assert _native_runtime.node_version(str(tmp_path / "node")) is None


def test_a_go_program_whose_file_was_replaced(tmp_path: Path) -> None:
    exe = tmp_path / "real"
    exe.write_bytes(_elf(_go(b"go1.22.5")))
    proc = tree(tmp_path, {88: {"maps": "", "cmdline": "serve", "stat": stat_line(88, "serve")}})
    (tmp_path / "88" / "exe").symlink_to(exe)
    (tmp_path / "88" / "root").symlink_to(tmp_path / "nowhere")
    found = _runtime.detect(88, proc)
    assert (found.name, found.version) == ("go", "1.22.5")


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed on this machine")
def test_the_node_of_this_machine() -> None:
    told = subprocess.check_output(["node", "--version"]).decode().strip().lstrip("v")
    with subprocess.Popen(["node", "-e", "setTimeout(() => {}, 60000)"]) as process:
        try:
            wait_until(lambda: _runtime.detect(process.pid).name == "node")
            assert _runtime.detect(process.pid).version == told
        finally:
            process.kill()
