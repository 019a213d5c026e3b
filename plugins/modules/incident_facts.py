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
  - A subset that could not be looked at is returned with its C(errors), and null where evidence should be. It never reads
    as healthy, and it does not stop the others.
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.facts
  - closewait.remediation.attributes.remediation_group
  - closewait.remediation.bounded
  - closewait.remediation.cpu
options:
  gather_subset:
    description:
      - What to gather. V(all) is everything, V(!NAME) takes one away.
      - V(tcp) is M(closewait.remediation.tcp_facts), V(cpu) is M(closewait.remediation.cpu_facts) and V(redis) is
        M(closewait.remediation.redis_facts) for the servers that are found on this host.
    type: list
    elements: str
    default: [all]
requirements:
  - psutil for the subsets V(cpu) and V(redis)
seealso:
  - module: closewait.remediation.tcp_facts
  - module: closewait.remediation.cpu_facts
  - module: closewait.remediation.redis_facts
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
        tcp:
          description: See M(closewait.remediation.tcp_facts).
          type: dict
        redis:
          description: See M(closewait.remediation.redis_facts).
          type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _cpu_options, _facts_result, _subsets

ARGUMENTS = {
    **_facts_result.BOUNDED,
    **_cpu_options.ARGUMENTS,
    "gather_subset": {"type": "list", "elements": "str", "default": ["all"]},
}


def main() -> None:
    """Choose the subsets, collect them one after the other and return."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        names = _subsets.choose(module.params["gather_subset"])
        options = _cpu_options.parse(module.params)
    except ValueError as exc:
        module.fail_json(msg=str(exc))
    facts = _subsets.collect(names, options, _facts_result.max_items(module))
    _facts_result.leave(module, facts, _subsets.provenance())


if __name__ == "__main__":
    main()
