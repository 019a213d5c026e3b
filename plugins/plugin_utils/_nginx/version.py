# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an nginx does by its version."""

from __future__ import annotations

import re

_KEEPS_SINCE = (1, 29, 7)


def keeps_connections(version: str) -> bool:
    """Whether connections to upstreams are kept unless told otherwise: HTTP/1.1, and ``keepalive`` for 60 s.

    ``version``: such as ``nginx/1.22.1`` or ``openresty/1.27.1.1``, whose first three numbers are nginx's.
    Source: nginx's changes of 1.29.7; seen with 1.22.1 and 1.31.3.
    """
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3])
    return numbers >= _KEEPS_SINCE
