# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guardian is told; what it does about it is seen in test_fd_close, where we are killed in a stop."""

from __future__ import annotations

import os
import signal
from typing import Any, Optional

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import guardian as fd_guardian
from ansible_collections.closewait.remediation.plugins.module_utils._fd import rescue as fd_rescue
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    running,
    state_of,
    wait_until,
)

REGISTERS = {"rip": (1 << 64) - 1, "rax": 0}


def test_a_child_hears_what_was_said_after_it_was_born() -> None:
    told = fd_guardian._LastWord()
    end, ours = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        os.read(end, 1)
        os._exit(0 if told.heard() == {"saved": REGISTERS} else 1)
    told.say(None)
    told.say({"saved": REGISTERS})
    os.close(ours)
    os.close(end)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(("hindrance", "state"), [(None, "S"), (PermissionError(), "T")])
def test_only_with_its_own_registers_it_is_let_go(
    hindrance: Optional[OSError], state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def put_back(pid: int, start_time: int, saved: Any) -> None:
        asked.append((pid, start_time, saved))
        if hindrance is not None:
            raise hindrance

    monkeypatch.setattr(fd_rescue, "put_back", put_back)
    with running("import time\nprint(1)\ntime.sleep(60)") as process:
        stat = _procfs.stat(process.pid)
        assert stat is not None
        os.kill(process.pid, signal.SIGSTOP)
        wait_until(lambda: state_of(process.pid) == "T")
        fd_guardian._let_go(process.pid, stat.start_time, 4194301, REGISTERS)
        assert asked == [(process.pid, stat.start_time, REGISTERS)]
        wait_until(lambda: state_of(process.pid) == state)


@pytest.mark.parametrize("said", [None, {"saved": REGISTERS}])
def test_who_is_killed_while_he_says_something_has_not_said_it(said: Any) -> None:
    told = fd_guardian._LastWord()
    told.say({"saved": {"rip": 7}})
    told.say(said)

    class Killed:
        """The memory of somebody who writes what he has to say and comes no further."""

        memory = told._memory

        def __getitem__(self, index: int) -> int:
            return self.memory[index]

        def __setitem__(self, index: Any, value: Any) -> None:
            if index == 0:
                raise KeyboardInterrupt
            self.memory[index] = value

    whole = told._memory
    told._memory = Killed()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        told.say({"saved": {"rip": 8}})
    told._memory = whole
    assert told.heard() == said
