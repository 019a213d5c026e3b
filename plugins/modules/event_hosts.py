#!/usr/bin/python
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: event_hosts
short_description: Decide which hosts of an event are looked at now
version_added: 0.1.0
description:
  - Takes the event with which ansible-rulebook has started the playbook (the variable C(ansible_eda)), and answers
    which hosts of the inventory it names, as far as they were not looked at a short while ago and not too many were.
  - Everything in an event is data. A text of it is the exact name of a host in the inventory, but for a port behind it,
    or it is refused. Patterns such as C(all), C(*) or C(~web.*), and templates, are no names. Nothing is evaluated.
  - It understands what Alertmanager posts, of which it takes the alerts that are firing and have the label
    C(closewait=diagnose), and otherwise C({"host":"worker1"}) and C({"hosts":["worker1","worker2"]}).
  - A file remembers when a host was looked at, because the throttle of a rulebook forgets all when ansible-rulebook is
    started anew, knows no cap over all hosts, and takes C(worker1) and C(worker1:9100) for two.
options:
  label:
    description: Name of the label of an alert that has the host's name, with or without a port behind it.
    type: str
    default: instance
  cool_down:
    description: Seconds for which a host is left alone after a look.
    type: float
    default: 1800
  per_hour:
    description: How many looks at hosts, all together, events may bring about within an hour. With V(0) there is none.
    type: int
    default: 12
  state_file:
    description:
      - The file on the controller that remembers the looks. It is made if it is missing, for its owner only.
      - When it cannot be read or written, nothing is done about the event.
      - In a container it must be on a volume that stays.
    type: path
    default: ~/.local/state/closewait/events.json
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
attributes:
  action:
    description: Has an action plugin of the same name, which does all of it on the controller.
    support: full
  check_mode:
    support: full
    details: It decides the same and remembers nothing.
  diff_mode:
    support: none
    details: It changes nothing but its own file.
  idempotent:
    support: none
    details: The same event is answered with no host while the cool-down lasts. That is what it is for.
notes:
  - It runs on the controller and needs no connection.
seealso:
  - module: closewait.remediation.diagnosis
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Look at what the event names
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Decide
      closewait.remediation.event_hosts:
        cool_down: 3600
        per_hour: 6
      register: closewait_event

    - name: Put the hosts into a group
      ansible.builtin.add_host:
        name: "{{ item }}"
        groups: closewait_event_hosts
      loop: "{{ closewait_event.hosts }}"
"""

RETURN = r"""
hosts:
  description: Inventory names of the hosts to look at.
  returned: success
  type: list
  elements: str
  sample: [worker1]
refused:
  description: What else the event named, and why nothing is done about it.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name, with what does not print shown as an escape, cut to 80 characters.
      type: str
    reason:
      description: Why.
      type: str
  sample: [{"name": "all", "reason": "no host of the inventory has this name"}]
"""
