# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All subsets of one host. A new subset is a file beside this one and a line here."""

from __future__ import annotations

from typing import TypedDict

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import CpuFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.mysql import MysqlFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.nginx import NginxFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.progress import ProgressFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.redis import RedisFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.supervisor import SupervisorFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import TcpFacts


class HostFacts(TypedDict, total=False):
    """Everything gathered on one host; a subset that was not asked for is absent."""

    tcp: TcpFacts | None
    cpu: CpuFacts | None
    progress: ProgressFacts | None
    redis: RedisFacts | None
    mysql: MysqlFacts | None
    supervisor: SupervisorFacts | None
    nginx: NginxFacts | None
