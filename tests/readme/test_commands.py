# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command of the README, as a reader would type it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from readme.hosts import REPOSITORY
from readme.markdown import Block, blocks
from readme.place import README, Place, block_of

#: These have tests of their own below, for what they do is not to be done here.
NOT_RUN = ("make test", "ansible workers -i inventory.ini -b -m ansible.builtin.package")
INSTALL = ("Install",)
DEVELOP = ("Develop",)


def _console(*, headings: tuple[str, ...] | None = None, without: tuple[str, ...] = ()) -> list[Block]:
    found = [block for block in blocks(README) if block.language == "console"]
    return [
        block for block in found if (headings is None or block.heading in headings) and block.heading not in without
    ]


def _name(block: Block) -> str:
    return f"{block.heading}-{block.number}"


def _runnable(block: Block) -> list[str]:
    return [command for command in block.commands() if not command.startswith(NOT_RUN)]


@pytest.mark.parametrize("block", _console(headings=INSTALL), ids=_name)
def test_install(place: Place, block: Block) -> None:
    for command in block.commands():
        place.run(command)
    if "ansible-galaxy" in block.commands()[-1]:
        assert (place.collections / "ansible_collections/closewait/remediation/MANIFEST.json").is_file()


@pytest.mark.parametrize("block", [b for b in _console(without=INSTALL + DEVELOP) if _runnable(b)], ids=_name)
def test_use(fleet: Place, block: Block) -> None:
    for command in _runnable(block):
        printed = fleet.run(command)
        _check(command, fleet)
        if block.output():
            _same_story(block.output(), printed.splitlines())


def _check(command: str, place: Place) -> None:
    """What the run left behind is what the README promises of such a command."""
    if "remediation.diagnose" in command:
        hosts: Any = place.report("diagnosis.json")["hosts"]
        assert [(f["id"], f["confidence"]) for f in hosts["worker1"]["findings"]] == [("half_closed_spin", "proven")]
        assert hosts["redis1"]["verdict"] == "healthy"
    if "remediation.remediate" in command and "--check" not in command:
        assert place.report("result.json")["healed"] is True


def _same_story(shown: list[str], printed: list[str]) -> None:
    """Headlines and labels of the output that the README shows are still printed, in that order."""
    wanted = [label for label in _labels(shown) if label != "CAUSES"]  # the README's cause is a Redis, here is none
    rest = iter(_labels(printed))
    missing = [label for label in wanted if label not in rest]
    assert not missing, f"not printed any more, or not in this order: {missing}\n" + "\n".join(printed)


def _labels(lines: list[str]) -> list[str]:
    """What tells the lines of a table apart, ``HOST``, ``process``, ``healed``: each where it comes first."""
    found = (
        re.match(r"(HOST|SUMMARY|PLAN|CAUSES|HEALED|NOT HEALED)\b|  +(process|numbers|cause|remedy|a1)  ", line)
        for line in lines
    )
    return list(dict.fromkeys(match.group().strip() for match in found if match))


def test_the_shown_verdict_of_verify_needs_a_diagnosis(installed: Place) -> None:
    command = next(c for block in blocks(README) for c in block.commands() if c.endswith("remediation.verify"))
    with pytest.raises(AssertionError, match=r"diagnosis\.json"):
        installed.run(command.replace("inventory.ini", "localhost,"))


def test_by_name_from_an_empty_path(installed: Place) -> None:
    report = installed.checkout / "elsewhere"
    playbook = "ansible-playbook -i localhost, -c local closewait.remediation.diagnose"
    installed.run(f"cd / && {playbook} -e closewait_output_dir={report}")
    assert (report / "diagnosis.json").is_file()


def test_demo(place: Place) -> None:
    command = next(command for command in block_of("Develop").commands() if command == "make demo")
    assert "6. Closing again changed nothing" in place.run(command)


def test_the_test_command_is_what_ci_runs() -> None:
    assert "make test" in block_of("Develop").commands()
    assert "make test" in (REPOSITORY / ".ci" / "run").read_text().splitlines()


def test_the_packages_exist() -> None:
    command = block_of("Requirements").commands()[0]
    names = re.findall(r'"([a-z0-9-]+)"', command.partition("name")[2])
    assert names == ["gdb", "python3-psutil"]
    if shutil.which("apt-cache") is None or not any(Path("/var/lib/apt/lists").glob("*_Packages*")):
        pytest.skip("no package lists here")
    for name in names:
        shown = subprocess.run(["apt-cache", "show", name], capture_output=True, text=True, check=True).stdout
        assert f"Package: {name}" in shown
