# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One bridge, and for each host a network namespace on it with an address of its own.

The addresses are those that RFC 2544 sets apart for testing: nobody's network has them.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from .command import CommandError, run

BRIDGE = "fleet0"
NETWORK = ipaddress.IPv4Network("198.18.0.0/15")
PATTERN = "198.*"  # all of them and more, for a known_hosts file
MOST = 500
_LINK = "fleet-"
_NAMESPACES = Path("/run/netns")


def address(number: int) -> str:
    """Of the host with that number, from 1 on."""
    if not 1 <= number <= MOST:
        raise ValueError(f"a fleet has 1 to {MOST} hosts, not {number}")
    return str(NETWORK[number])


def controller() -> str:
    """Of this end of the bridge."""
    return str(NETWORK[-2])


def link(number: int) -> str:
    """The machine's end of the cable to a host."""
    return f"{_LINK}{number}"


def namespace(name: str) -> Path:
    """The file that keeps the network namespace of a host."""
    return _NAMESPACES / name


def outer_lines(names: Sequence[str]) -> Iterator[str]:
    """Lines for ``ip -batch`` that lay a cable to each host."""
    yield f"link add {BRIDGE} type bridge"
    yield f"address add {controller()}/{NETWORK.prefixlen} dev {BRIDGE}"
    yield f"link set {BRIDGE} up"
    for number, name in enumerate(names, 1):
        yield f"netns add {name}"
        yield f"link add {link(number)} type veth peer name eth0 netns {name}"
        yield f"link set {link(number)} master {BRIDGE} up"


def inner_lines(number: int) -> Iterator[str]:
    """Lines for ``ip -batch`` in the namespace of a host."""
    yield f"address add {address(number)}/{NETWORK.prefixlen} dev eth0"
    yield "link set eth0 up"
    yield "link set lo up"


def removing_lines(names: Sequence[str]) -> Iterator[str]:
    """Lines for ``ip -batch`` that take all of it away."""
    for number, name in enumerate(names, 1):
        yield f"link delete {link(number)}"
        yield f"netns delete {name}"
    yield f"link delete {BRIDGE}"


@contextmanager
def bridge(names: Sequence[str]) -> Iterator[None]:
    """All hosts connected, as long as the block."""
    if left := links():
        raise RuntimeError(f"one fleet at a time: there is {', '.join(left)} already")
    try:
        _batch([], outer_lines(names))
        for number, name in enumerate(names, 1):
            _batch(["-netns", name], inner_lines(number))
        yield
    finally:
        # Not all of it need be there. What counts is that nothing is left.
        with suppress(CommandError):
            _batch(["-force"], removing_lines(names))
        with suppress(CommandError, OSError):
            run(["umount", _NAMESPACES])  # ip(8) has made a mount of it
            _NAMESPACES.rmdir()
        left = [*links(), *(name for name in names if namespace(name).exists())]
        if left:
            raise RuntimeError(f"these links and network namespaces stay: {', '.join(left)}")


def links() -> list[str]:
    """Every link of a fleet that there is."""
    names = (entry["ifname"] for entry in json.loads(run(["ip", "-json", "link", "show"])))
    return [name for name in names if name == BRIDGE or name.startswith(_LINK)]


def _batch(options: Sequence[str], lines: Iterable[str]) -> None:
    run(["ip", *options, "-batch", "-"], given="".join(f"{line}\n" for line in lines))


def switch(number: int, state: str) -> None:
    """Pull the cable of a host (``down``), or put it in again (``up``)."""
    run(["ip", "link", "set", link(number), state])
