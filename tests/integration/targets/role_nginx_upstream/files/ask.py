# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a URL a dozen times, each on a connection of its own: who answered, a line each."""

from __future__ import annotations

import sys
from urllib.request import ProxyHandler, build_opener

opener = build_opener(ProxyHandler({}))
for _turn in range(12):
    with opener.open(sys.argv[1], timeout=10) as answer:
        print(answer.read().decode().strip())
