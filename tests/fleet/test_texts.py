# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be said of a fleet without one."""

from __future__ import annotations

import pytest

from fleet import inventory, network
from fleet.answers import answers, words

PRINTED = """\
[WARNING]: Platform linux on host web2 is using the discovered Python interpreter
web1 | SUCCESS => {
    "changed": false,
    "ping": "a | b => {"
}
web2 | FAILED! => {
    "changed": false,
    "msg": "}"
}
web3 | UNREACHABLE! => {
    "changed": false,
    "msg": "Failed to connect",
    "unreachable": true
}
"""


def test_every_answer_is_read() -> None:
    assert words(PRINTED) == {"web1": "SUCCESS", "web2": "FAILED", "web3": "UNREACHABLE"}
    assert answers(PRINTED)["web1"].result["ping"] == "a | b => {"


def test_an_inventory_has_hosts_groups_and_variables() -> None:
    text = inventory.text(
        {"db": {"ansible_host": "198.18.0.1"}, "web": {}},
        {"ansible_pipelining": True, "ansible_ssh_common_args": "-o A=b"},
        {"shop": ["web"]},
    )
    assert text.splitlines() == [
        'db ansible_host="198.18.0.1"',
        "web",
        "",
        "[shop]",
        "web",
        "",
        "[all:vars]",
        "ansible_pipelining=True",
        'ansible_ssh_common_args="-o A=b"',
    ]


def test_addresses_are_apart_and_bounded() -> None:
    taken = [network.address(number) for number in range(1, network.MOST + 1)]
    assert len({*taken, network.controller()}) == network.MOST + 1
    assert taken[0] == "198.18.0.1"
    for number in (0, network.MOST + 1):
        with pytest.raises(ValueError, match="1 to 500"):
            network.address(number)


def test_links_have_names_that_the_kernel_takes() -> None:
    assert len(network.link(network.MOST)) <= 15
