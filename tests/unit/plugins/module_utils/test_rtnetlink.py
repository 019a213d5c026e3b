# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses over netlink, against the kernel's own text and against addresses that can be bound."""

from __future__ import annotations

import socket
import struct

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _rtnetlink
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import needs_ipv6


def test_every_address_is_ours() -> None:
    found = _rtnetlink.addresses()
    assert "127.0.0.1" in found
    assert found == sorted(set(found))
    for address in found:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        if not address.startswith("fe80"):  # needs a scope to be bound
            with socket.socket(family) as sock:
                sock.bind((address, 0))


@needs_ipv6
def test_ipv6_is_there() -> None:
    assert "::1" in _rtnetlink.addresses()


def _answer(family: int, *attributes: bytes) -> memoryview:
    return memoryview(struct.pack("=BBBBI", family, 24, 0, 0, 2) + b"".join(attributes))


def _attribute(kind: int, text: str, family: int = socket.AF_INET) -> bytes:
    raw = socket.inet_pton(family, text)
    return struct.pack("=HH", 4 + len(raw), kind) + raw


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (_answer(2, _attribute(1, "192.0.2.9"), _attribute(2, "192.0.2.9")), "192.0.2.9"),
        # Point to point: IFA_ADDRESS is the other end.
        (_answer(2, _attribute(1, "198.51.100.1"), _attribute(2, "198.51.100.77")), "198.51.100.77"),
        (_answer(10, _attribute(1, "2001:db8::5", socket.AF_INET6)), "2001:db8::5"),
        (_answer(2), ""),
        (_answer(16, _attribute(1, "192.0.2.9")), ""),
    ],
)
def test_one_answer(answer: memoryview, expected: str) -> None:
    assert _rtnetlink._address(answer) == expected
