# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx, three Tornado nodes and a third party, once for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from scenario_kit.blocked_loop import BlockedLoopSite, blocked_loop_site


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockedLoopSite]:
    """Workers of nginx do not run as root, so they must reach the folder."""
    folder = tmp_path_factory.mktemp("site")
    folder.chmod(0o755)
    python = os.environ["CLOSEWAIT_SERVICE_PYTHON"]
    site = BlockedLoopSite(folder / "site", python, 17750, 17751, 17752, (17761, 17762, 17763), 17770, 1)
    with blocked_loop_site(site) as up:
        yield up
