# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""System calls made by a stopped process: where that is possible, and real ones through gdb."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import shutil
import struct
import sys
from pathlib import Path
from typing import Iterator, Optional, Tuple

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._fd import gdb as fd_gdb
from ansible_collections.closewait.remediation.plugins.module_utils._fd import injection as fd_injection
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    WAIT_S,
    needs_gdb,
    needs_root,
    running,
    tree,
)

on_x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="injection is for x86-64 only")
GETPID = 39


def _elf(bits: int, machine: int) -> bytes:
    """The first 20 bytes of an ELF file (elf(5))."""
    return b"\x7fELF" + bytes([bits // 32, 1, 1]) + b"\0" * 9 + struct.pack("<HH", 2, machine)


@on_x86_64
@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (_elf(64, 62), None),
        (_elf(32, 3), "not a 64-bit x86"),
        (_elf(32, 62), "not a 64-bit x86"),  # the x32 ABI
        (_elf(64, 183), "not a 64-bit x86"),
        (b"#!/bin/sh\nexit 0\n    ", "not a 64-bit x86"),
        (b"", "not a 64-bit x86"),
    ],
)
def test_programs(tmp_path: Path, header: bytes, expected: Optional[str]) -> None:
    proc = tree(tmp_path, {60: {"stat": "x"}})
    (tmp_path / "60" / "exe").write_bytes(header)
    found = fd_injection.unsupported(60, proc)
    assert found is None if expected is None else expected in str(found)


@on_x86_64
def test_an_executable_that_cannot_be_read_is_no_permission_to_go_on(tmp_path: Path) -> None:
    assert "cannot be read" in str(fd_injection.unsupported(60, str(tmp_path)))


@pytest.mark.parametrize("machine", ["aarch64", "i686", "s390x"])
def test_other_machines(monkeypatch: pytest.MonkeyPatch, machine: str) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    reason = str(fd_injection.unsupported(os.getpid()))
    assert machine in reason
    assert "x86_64" in reason


@on_x86_64
def test_a_real_program() -> None:
    assert fd_injection.unsupported(os.getpid()) is None


@on_x86_64
def test_the_instruction_is_a_system_call() -> None:
    assert ctypes.string_at(fd_injection.find_instruction(os.getpid()).address, 2) == b"\x0f\x05"


def _memory(tmp_path: Path, maps: str, content: bytes) -> str:
    proc = tree(tmp_path, {60: {"maps": maps}})
    (tmp_path / "60" / "mem").write_bytes(content)
    return proc


def test_without_a_vdso_any_code_will_do(tmp_path: Path) -> None:
    content = b"\0" * 0x1000 + b"\x90\x0f\x05\xc3" + b"\0" * 0xFFC
    maps = (
        "00000000-00001000 r--p 00000000 00:00 0 \n"
        "00001000-00002000 r-xp 00001000 fe:01 7  /srv/static program\n"
        "ffffffffff600000-ffffffffff601000 r-xp 00000000 00:00 0 [vsyscall]\n"
    )
    assert fd_injection.find_instruction(60, _memory(tmp_path, maps, content)) == (0x1001, False)


def test_the_vdso_comes_first(tmp_path: Path) -> None:
    content = b"\x0f\x05" + b"\0" * 0xFFE + b"\0\0\0\x0f\x05"
    maps = "00000000-00001000 r-xp 00000000 fe:01 7 /bin/x\n00001000-00002000 r-xp 00000000 00:00 0 [vdso]\n"
    assert fd_injection.find_instruction(60, _memory(tmp_path, maps, content)) == (0x1003, True)


def test_no_instruction_at_all(tmp_path: Path) -> None:
    maps = (
        "00000000-00001000 rw-p 00000000 00:00 0 \n"
        "00001000-00002000 r-xp 00000000 fe:01 7 /bin/x\n"
        "00002000-00003000 r-xp 00000000 00:00 0 [vsyscall]\n"
    )
    content = b"\x0f\x05" * 0x800 + b"\0" * 0x1000 + b"\x0f\x05"
    with pytest.raises(fd_injection.InjectionError, match="no system call instruction"):
        fd_injection.find_instruction(60, _memory(tmp_path, maps, content))


@pytest.mark.parametrize(
    ("registers", "expected"),
    [
        ({"rax": 3}, "$rax=3"),
        ({"orig_rax": -1, "rdi": 0}, "$orig_rax=-1,$rdi=0"),
        ({"r10": (1 << 63) - 1}, "$r10=9223372036854775807"),
        ({"rbp": 1 << 63}, "$rbp=9223372036854775808UL"),
        ({"rip": (1 << 64) - 1}, "$rip=18446744073709551615UL"),
    ],
)
def test_assignments(registers: dict[str, int], expected: str) -> None:
    assert fd_injection._assign(registers) == expected


def test_an_instruction_in_the_vdso_is_looked_up_once(tmp_path: Path) -> None:
    proc = _memory(tmp_path, "", b"\0\0\0\x0f\x05\0")
    assert fd_injection.is_there(fd_injection.Place(3, lasting=True), 60, proc)
    assert not fd_injection.is_there(fd_injection.Place(2, lasting=True), 60, proc)
    assert not fd_injection.is_there(fd_injection.Place(99, lasting=True), 60, proc)
    assert not fd_injection.is_there(fd_injection.Place(3, lasting=True), 61, proc)


def test_an_instruction_elsewhere_may_have_been_unmapped(tmp_path: Path) -> None:
    proc = _memory(tmp_path, "", b"\0\0\0\x0f\x05\0")
    assert not fd_injection.is_there(fd_injection.Place(3, lasting=False), 60, proc)


def test_a_process_that_has_ended_has_no_instructions(tmp_path: Path) -> None:
    with pytest.raises(fd_injection.InjectionError, match="ended"):
        fd_injection.find_instruction(60, str(tmp_path))


def _registers(session: fd_gdb.Session) -> fd_injection.Registers:
    return fd_injection.Registers(session.assign("1", fd_injection._SAVED))


@pytest.fixture(name="held")
def _held(tmp_path: Path) -> Iterator[Tuple[fd_gdb.Session, int]]:
    """A process in a sleep that the kernel restarts (ERESTART_RESTARTBLOCK), held by gdb."""
    code = (
        "import sys, time; print(1)\n"
        "before = time.monotonic(); time.sleep(0.4)\n"
        "print(time.monotonic() - before >= 0.4); sys.stdin.read()"
    )
    with running(code) as process, fd_gdb.Session(str(shutil.which("gdb")), str(tmp_path), WAIT_S) as session:
        session.attach(process.pid, ("rip",))
        yield session, process.pid
        session.detach()
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n", "the interrupted system call did not go on"


@needs_gdb
@needs_root
@on_x86_64
def test_real_system_calls(held: Tuple[fd_gdb.Session, int]) -> None:
    session, pid = held
    instruction = fd_injection.find_instruction(pid).address
    saved = _registers(session)
    assert fd_injection.call(session, instruction, GETPID) == pid
    assert fd_injection.call(session, instruction, fd_injection.CLOSE, 77_777) == -errno.EBADF
    spare = fd_injection.call(session, instruction, fd_injection.SOCKET, 2, 1, 0)
    assert os.readlink("/proc/%d/fd/%d" % (pid, spare)).startswith("socket:[")
    assert fd_injection.call(session, instruction, fd_injection.DUP3, spare, 200, os.O_CLOEXEC) == 200
    assert os.readlink("/proc/%d/fd/200" % pid) == os.readlink("/proc/%d/fd/%d" % (pid, spare))
    for number in (spare, 200):
        assert fd_injection.call(session, instruction, fd_injection.CLOSE, number) == 0
    assert not os.path.lexists("/proc/%d/fd/200" % pid)
    assert _registers(session) != saved
    fd_injection.restore(session, saved)
    assert _registers(session) == saved


@needs_gdb
@needs_root
@on_x86_64
@pytest.mark.parametrize("arguments", [0, 1, 3, 6])
def test_what_calls_with_so_many_arguments_change_is_all_put_back(
    held: Tuple[fd_gdb.Session, int], arguments: int
) -> None:
    session, pid = held
    saved = _registers(session)
    assert (
        fd_injection.call(session, fd_injection.find_instruction(pid).address, GETPID, *range(7, 7 + arguments)) == pid
    )
    fd_injection.restore(session, saved, arguments)
    assert _registers(session) == saved


@needs_gdb
@needs_root
@on_x86_64
def test_more_arguments_than_one_owns_to_are_noticed(held: Tuple[fd_gdb.Session, int]) -> None:
    session, pid = held
    saved = _registers(session)
    fd_injection.call(session, fd_injection.find_instruction(pid).address, GETPID, 7, 8)
    with pytest.raises(fd_injection.InjectionError, match="put back"):
        fd_injection.restore(session, saved, 1)
    fd_injection.restore(session, saved, 2)


@needs_gdb
@needs_root
@on_x86_64
def test_all_six_arguments_arrive(held: Tuple[fd_gdb.Session, int]) -> None:
    session, pid = held
    saved = _registers(session)
    mmap, private_anonymous, size = 9, 0x22, 12_288
    address = fd_injection.call(
        session, fd_injection.find_instruction(pid).address, mmap, 0, size, 3, private_anonymous, (1 << 64) - 1, 0
    )
    fd_injection.restore(session, saved)
    with open("/proc/%d/maps" % pid, encoding="utf-8") as stream:
        lines = [
            line for line in stream if int(line.split("-")[0], 16) <= address < int(line.split("-")[1].split()[0], 16)
        ]
    assert [line.split()[1] for line in lines] == ["rw-p"]
    assert sys.byteorder == "little"


def test_a_restore_that_does_not_stick_is_an_error() -> None:
    class Forgetful(fd_gdb.Session):
        def __init__(self) -> None:
            """No process behind it."""

        def assign(self, expression: str, names: object) -> dict[str, int]:
            del expression, names
            return {"rax": 1}

    with pytest.raises(fd_injection.InjectionError, match="put back"):
        fd_injection.restore(Forgetful(), fd_injection.Registers(dict.fromkeys(fd_injection._SAVED, 2)))
