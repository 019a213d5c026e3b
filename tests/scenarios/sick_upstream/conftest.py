# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx and three Twisted processes, healthy until a test says otherwise."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_kit.twisted_upstream import TwistedUpstream, twisted_upstream


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwistedUpstream]:
    """One for all tests of a file. Workers do not run as root, so they must reach the folder."""
    folder = tmp_path_factory.mktemp("site")
    folder.chmod(0o755)
    with twisted_upstream(folder / "site", Path(os.environ["CLOSEWAIT_SERVICE_PYTHON"])) as running:
        yield running
