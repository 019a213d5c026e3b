#!/usr/bin/python
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: incident_facts
short_description: Gather all evidence for a diagnosis in one round trip
version_added: 0.1.0
description:
  - Gathers the subsets that a diagnosis needs in a single task. Each is the same as what the facts module of that name
    returns by itself.
  - A subset that could not be looked at is returned with its C(errors), and null where evidence should be. It never
    reads as healthy, and it does not stop the others.
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.facts
  - closewait.remediation.attributes.remediation_group
  - closewait.remediation.bounded
  - closewait.remediation.cpu
  - closewait.remediation.nginx_span
options:
  gather_subset:
    description:
      - What to gather. V(all) is everything, V(!NAME) takes one away.
      - Each subset is what the module of that name returns by itself, V(tcp) M(closewait.remediation.tcp_facts), V(cpu)
        M(closewait.remediation.cpu_facts), V(progress) M(closewait.remediation.progress_facts), V(redis)
        M(closewait.remediation.redis_facts) for the servers that are found on this host, V(supervisor)
        M(closewait.remediation.supervisor_facts), V(nginx) M(closewait.remediation.nginx_upstream_facts),
        V(mysql) M(closewait.remediation.mysql_facts) for the servers that are found on this host.
    type: list
    elements: str
    default: [all]
  redis_username:
    description: The ACL user that may read the settings of the Redis servers on this host.
    type: str
  redis_password:
    description: The password of that user, or the server's. It is given only to servers that ask for one.
    type: str
  mysql_username:
    description: The user who may read settings and process list of the MariaDB and MySQL servers on this host.
    type: str
  mysql_password:
    description: The password of that user. It is given only to servers that do not let in root by their unix socket.
    type: str
requirements:
  - psutil for the subsets V(cpu) and V(progress)
  - redis-cli or valkey-cli for the subset V(redis), on hosts with such a server
  - mariadb or mysql, the client, for the subset V(mysql), on hosts with such a server
seealso:
  - module: closewait.remediation.tcp_facts
  - module: closewait.remediation.cpu_facts
  - module: closewait.remediation.progress_facts
  - module: closewait.remediation.redis_facts
  - module: closewait.remediation.nginx_upstream_facts
  - module: closewait.remediation.mysql_facts
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Gather everything
  closewait.remediation.incident_facts:
  become: true

- name: Gather all but the settings of Redis
  closewait.remediation.incident_facts:
    gather_subset: [all, "!redis"]
  become: true
"""

RETURN = r"""
ansible_facts:
  description: Facts to add to C(ansible_facts).
  returned: always
  type: dict
  contains:
    closewait:
      description: One entry per subset. See the modules of these names for what is in them.
      type: dict
      contains:
        gathered_at:
          description: When, in UTC (ISO 8601).
          type: str
          sample: "2026-03-04T05:06:07Z"
        boot_id:
          description: The boot of this host. Pids and start times of another boot mean nothing.
          type: str
        cpu:
          description: See M(closewait.remediation.cpu_facts).
          type: dict
        progress:
          description: See M(closewait.remediation.progress_facts).
          type: dict
        tcp:
          description: See M(closewait.remediation.tcp_facts).
          type: dict
        redis:
          description: See M(closewait.remediation.redis_facts).
          type: dict
        supervisor:
          description: See M(closewait.remediation.supervisor_facts).
          type: dict
        nginx:
          description: See M(closewait.remediation.nginx_upstream_facts).
          type: dict
        mysql:
          description: See M(closewait.remediation.mysql_facts).
          type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _cpu_options, _facts_result, _subsets
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import span_options

ARGUMENTS = {
    **_facts_result.BOUNDED,
    **_cpu_options.ARGUMENTS,
    **span_options.ARGUMENTS,
    "gather_subset": {"type": "list", "elements": "str", "default": ["all"]},
    "redis_username": {"type": "str"},
    "redis_password": {"type": "str", "no_log": True},
    "mysql_username": {"type": "str"},
    "mysql_password": {"type": "str", "no_log": True},
}


def main() -> None:
    """Choose the subsets, collect them one after the other and return."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        names = _subsets.choose(module.params["gather_subset"])
        cpu = _cpu_options.parse(module.params)
        span = span_options.span(module.params)
    except ValueError as exc:
        module.fail_json(msg=str(exc))
    options = _subsets.Options(
        cpu,
        _subsets.window(names, cpu),
        _facts_result.max_items(module),
        redis=_subsets.User(module.params["redis_username"], module.params["redis_password"]),
        mysql=_subsets.User(module.params["mysql_username"], module.params["mysql_password"]),
        nginx=span,
        nginx_upstreams=tuple(module.params["nginx_upstreams"]),
    )
    facts = _subsets.collect(names, options)
    _facts_result.leave(module, facts, _subsets.provenance())


if __name__ == "__main__":
    main()
