# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An nginx that is busy while the role is applied and taken back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_kit.nginx_proxy import NginxProxy, nginx_proxy

PORT = 17700
BACKENDS = (17701, 17702, 17703)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[NginxProxy]:
    """Workers do not run as root, so they must reach the folder."""
    tmp_path.chmod(0o755)
    with nginx_proxy(tmp_path / "nginx", PORT, BACKENDS, os.environ["CLOSEWAIT_SERVICE_PYTHON"]) as running:
        yield running
