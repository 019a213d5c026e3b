# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of upstreams from nginx's access logs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_load
short_description: Tell from access logs how much nginx's upstream servers have to do
version_added: 0.1.0
description:
  - Reads the end of access logs that carry C($upstream_addr), C($upstream_response_time) and a time, by their own
    C(log_format), and counts requests and the time that attempts took, per upstream.
  - A request that was tried on several servers counts once, each of its attempts for itself.
options:
  logs:
    description: The logs. They are taken together.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: The file.
        type: path
        required: true
      format:
        description: The text of its C(log_format).
        type: str
        required: true
  upstreams:
    description: Per name of an upstream the addresses of its servers, as nginx logs them.
    type: dict
    required: true
  window:
    description: How many seconds at the end of the logs count.
    type: float
    default: 300.0
  max_bytes:
    description: How many bytes at the end of each log are read at most. A window that reaches further back is cut.
    type: int
    default: 4194304
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.read_only
  - closewait.remediation.attributes.remediation_group
seealso:
  - module: closewait.remediation.nginx_upstream
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Look at the last ten minutes
  closewait.remediation.nginx_load:
    logs:
      - path: /var/log/nginx/closewait-upstream.log
        format: '$msec "$upstream_addr" "$upstream_response_time" "$upstream_status"'
    upstreams:
      app: [127.0.0.1:8001, 127.0.0.1:8002]
    window: 600
  register: nginx_seen
"""

RETURN = r"""
upstreams:
  description: Per name of an upstream what the logs say of it.
  returned: success
  type: dict
  contains:
    requests:
      description: Requests that went to it.
      type: int
    window_s:
      description: Seconds that the logs cover, at most the window.
      type: float
    attempts:
      description: Attempts at its servers that have a time.
      type: int
    mean_response_s:
      description: How long one took on average.
      type: float
    cut:
      description: Attempts that nginx ended with 504, which would have taken longer.
      type: int
  sample: {"app": {"requests": 311, "window_s": 298.7, "attempts": 319, "mean_response_s": 0.212, "cut": 0}}
errors:
  description: Logs that could not be read, and why.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The log.
      type: str
    reason:
      description: Why.
      type: str
"""

import os
from typing import Any, Dict, List, Mapping

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import log as nginx_log
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import log_format as nginx_log_format


def main() -> None:
    """Read the logs, and count."""
    logs = {"path": {"type": "path", "required": True}, "format": {"type": "str", "required": True}}
    module = AnsibleModule(
        argument_spec={
            "logs": {"type": "list", "elements": "dict", "required": True, "options": logs},
            "upstreams": {"type": "dict", "required": True},
            "window": {"type": "float", "default": 300.0},
            "max_bytes": {"type": "int", "default": 4 << 20},
        },
        supports_check_mode=True,
    )
    for log in module.params["logs"]:
        if not nginx_log_format.is_sufficient(log["format"]):
            module.fail_json(msg="%(path)s: its format lacks $upstream_addr, $upstream_response_time or a time." % log)
    module.exit_json(changed=False, **_counted(module.params))


def _counted(params: Mapping[str, Any]) -> Dict[str, Any]:
    seen: List[nginx_log.Request] = []
    errors = []
    for log in params["logs"]:
        try:
            lines = _end(log["path"], params["max_bytes"])
        except OSError as exc:
            errors.append({"path": log["path"], "reason": str(exc.strerror)})
        else:
            seen += nginx_log.requests(lines, nginx_log_format.compiled(log["format"]))
    found = nginx_log.figures(seen, params["upstreams"], params["window"])
    return {"upstreams": {name: figures._asdict() for name, figures in found.items()}, "errors": errors}


def _end(path: str, most: int) -> List[str]:
    """The last whole lines."""
    with open(path, "rb") as log:
        size = os.fstat(log.fileno()).st_size
        log.seek(max(0, size - most))
        lines = log.read(most).decode("utf-8", "replace").splitlines()
    return lines[1:] if size > most else lines


if __name__ == "__main__":
    main()
