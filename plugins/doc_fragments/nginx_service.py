# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that name one nginx, and how a reload of it is proven."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragment ``closewait.remediation.nginx_service``."""

    DOCUMENTATION = r"""
options:
  program:
    description: Name or path of the program.
    type: str
    default: nginx
  config_file:
    description: The main file. Without it the program is asked.
    type: path
  prefix:
    description: What nginx is told as its prefix (C(-p)). Without it that of the program.
    type: path
  pid_file:
    description: Where the running nginx keeps its process id. Without it the configuration says so.
    type: path
  error_log:
    description: The log to look at for C([emerg]). Without it the configuration says so.
    type: path
  probes:
    description: What to ask after the reload.
    type: list
    elements: dict
    default: []
    suboptions:
      url:
        description: It is asked from the managed host, without a proxy. Redirects are not followed.
        type: str
        required: true
      status:
        description: The answer that is wanted.
        type: int
        default: 200
      headers:
        description: Headers to send, such as C(Host).
        type: dict
        default: {}
      validate_certs:
        description: Whether the certificate has to be right.
        type: bool
        default: true
  reload_timeout:
    description: Seconds to wait for the new workers.
    type: float
    default: 15.0
  probe_timeout:
    description: Seconds that each probe may take to give the wanted answer.
    type: float
    default: 5.0
"""
