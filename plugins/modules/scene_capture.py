#!/usr/bin/python
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scene_capture
short_description: Keep the evidence of an incident before anything is changed
version_added: 0.1.0
description:
  - Writes what the kernel shows of some processes, and of the host's TCP sockets, into a new directory on the managed
    host.
  - A remedy destroys the evidence. Capture it first, so that the incident can still be understood afterwards.
  - Environment and memory of the processes are left out, and passwords in command lines are hidden.
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
  - closewait.remediation.bounded
attributes:
  check_mode:
    support: full
    details: The directory is named but not made.
  diff_mode:
    support: full
  idempotent:
    support: none
    details: Every run is a new scene in a directory of its own.
options:
  pids:
    description: The processes.
    type: list
    elements: int
    required: true
  dest:
    description: The directory that holds the scenes. It is made if it is missing, for root only.
    type: path
    default: /var/lib/closewait/scenes
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Keep the scene of a worker that spins
  closewait.remediation.scene_capture:
    pids: [28912]
  become: true
"""

RETURN = r"""
scene:
  description: The directory of this scene.
  returned: success
  type: str
  sample: /var/lib/closewait/scenes/20260304T050607.089123Z-28912
files:
  description: Number of files in it.
  returned: success
  type: int
size:
  description: Their size together, in bytes.
  returned: success
  type: int
"""

import os
from datetime import datetime, timezone

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _facts_result, _procfs, _scene

ARGUMENTS = {
    **_facts_result.BOUNDED,
    "pids": {"type": "list", "elements": "int", "required": True},
    "dest": {"type": "path", "default": "/var/lib/closewait/scenes"},
}


def write(folder: str, files: dict[str, str]) -> None:
    """Make the directory and everything in it readable by the owner only."""
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)


def main() -> None:
    """Look, then write when not in check mode."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    pids = module.params["pids"]
    gone = [pid for pid in pids if _procfs.stat(pid) is None]
    if gone:
        module.fail_json(msg="no such process: %s; take pids from this host, now" % ", ".join(map(str, gone)))
    files = _scene.capture(pids, _facts_result.max_items(module))
    name = "%s-%s" % (datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ"), "-".join(map(str, pids[:3])))
    folder = os.path.join(module.params["dest"], name)
    if not module.check_mode:
        old_mask = os.umask(0o077)
        try:
            write(folder, files)
        except OSError as exc:
            module.fail_json(msg="cannot keep the scene in %s: %s; choose another dest" % (folder, exc.strerror))
        finally:
            os.umask(old_mask)
    size = sum(len(text.encode("utf-8")) for text in files.values())
    module.exit_json(
        changed=True,
        scene=folder,
        files=len(files),
        size=size,
        diff={"before": "", "after": "%s (%d files, %d bytes)\n" % (folder, len(files), size)},
    )


if __name__ == "__main__":
    main()
