# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The incident by itself, without the collection."""

from __future__ import annotations

import os
import signal
import time

from scenario_kit.kernel_scheduling import watch_conduct
from scenario_kit.twisted_backend import TwistedBackend
from scenario_kit.waiting import wait_for


def test_it_acts_on_no_signal_and_writes_what_waited_once_it_can(vanished: TwistedBackend) -> None:
    os.kill(vanished.pid, signal.SIGTERM)
    time.sleep(2)
    assert watch_conduct(vanished.pid, 2.0, samples=10).spins
    vanished.restore_log_folder()
    wait_for(lambda: "handleError" in vanished.logged(), 60, "what waited to be written")
