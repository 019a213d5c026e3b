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
  - Writes what there is to see of some processes, and of the host's TCP sockets, into one new archive on the managed
    host, for its owner only. That is sockets, epoll sets, fds, limits, what the threads wait for, the ends of the files
    that the processes write to, and the configuration files that their command lines name.
  - A remedy destroys the evidence. Capture it first, so that the incident can still be understood afterwards.
  - Values of environment variables and the memory of the processes are left out. Passwords in command lines, logs and
    configuration are hidden, as far as they are logins in URLs or values with a name like that of a secret. The
    C(manifest.json) in the archive says how many lines of which file were changed, and what was cut.
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
  - closewait.remediation.bounded
attributes:
  check_mode:
    support: full
    details: Everything is looked at, but for the stacks. The archive is named but not made.
  diff_mode:
    support: full
  idempotent:
    support: none
    details: Every run is a new scene in an archive of its own.
options:
  pids:
    description: The processes. With none, only the host is looked at.
    type: list
    elements: int
    required: true
  dest:
    description: The directory that holds the scenes. It is made if it is missing, for root only.
    type: path
    default: /var/lib/closewait/scenes
  files:
    description: More files of the host of which the end is kept, such as the log of a proxy. No more than 20 count.
    type: list
    elements: path
    default: []
  log_bytes:
    description: So many bytes of the end of each log are kept.
    type: int
    default: 65536
  max_bytes:
    description:
      - So many bytes are kept in all, before compression. What the kernel shows comes first, then the stacks, then
        configuration and logs. What had no room is named in RV(cut).
    type: int
    default: 16777216
  stacks:
    description:
      - Whether to keep where the threads are in their code. For Python it takes py-spy, which does not stop the
        process, if that is installed, and else gdb, which stops it for some hundred milliseconds, or longer for a big
        program.
      - Either gets 20 seconds for each process.
    type: bool
    default: false
  py_spy:
    description:
      - The program py-spy. It runs with the rights of this task.
      - Without it, the one in a directory of the system, such as C(/usr/local/bin).
    type: path
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Keep the scene of a worker that spins
  closewait.remediation.scene_capture:
    pids: [28912]
  become: true

- name: Keep it with stacks and the proxy's log
  closewait.remediation.scene_capture:
    pids: [28912]
    stacks: true
    files: [/var/log/nginx/error.log]
  become: true
"""

RETURN = r"""
scene:
  description: The archive of this scene.
  returned: success
  type: str
  sample: /var/lib/closewait/scenes/20260304T050607.089123Z-28912.tar.gz
files:
  description: Number of files in it.
  returned: success
  type: int
size:
  description: Their size together, in bytes.
  returned: success
  type: int
archive_size:
  description: Size of the archive in bytes. Null in check mode.
  returned: success
  type: int
cut:
  description: Files that were cut or left out because of O(max_bytes).
  returned: success
  type: list
  elements: str
masked_lines:
  description: Lines in which something was hidden.
  returned: success
  type: int
"""

import os
from datetime import datetime, timezone
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _facts_result, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._scene import archive, scene

ARGUMENTS = {
    **_facts_result.BOUNDED,
    "pids": {"type": "list", "elements": "int", "required": True},
    "dest": {"type": "path", "default": "/var/lib/closewait/scenes"},
    "files": {"type": "list", "elements": "path", "default": []},
    "log_bytes": {"type": "int", "default": 65536},
    "max_bytes": {"type": "int", "default": 16 << 20},
    "stacks": {"type": "bool", "default": False},
    "py_spy": {"type": "path"},
}


def main() -> None:
    """Look, then write when not in check mode."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    _check(module)
    wanted = scene.Wanted(
        pids=params["pids"],
        files=params["files"],
        log_bytes=params["log_bytes"],
        stacks=params["stacks"] and not module.check_mode,
        py_spy=params["py_spy"],
        max_items=_facts_result.max_items(module),
    )
    packed = archive.pack(scene.collect(wanted), params["max_bytes"])
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
    path = os.path.join(params["dest"], "%s.tar.gz" % "-".join([stamp, *map(str, params["pids"][:3])]))
    written = None if module.check_mode else _write(module, path, packed)
    module.exit_json(**_result(path, packed, written))


def _check(module: AnsibleModule) -> None:
    gone = [pid for pid in module.params["pids"] if _procfs.stat(pid) is None]
    if gone:
        module.fail_json(msg="no such process: %s; take pids from this host, now" % ", ".join(map(str, gone)))
    for name, least in (("log_bytes", 1), ("max_bytes", 65536)):
        if module.params[name] < least:
            module.fail_json(msg="%s must be at least %d, not %d" % (name, least, module.params[name]))


def _write(module: AnsibleModule, path: str, packed: archive.Packed) -> int:
    old_mask = os.umask(0o077)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return archive.write(path, packed)
    except OSError as exc:
        module.fail_json(msg="cannot keep the scene in %s: %s; choose another dest" % (path, exc.strerror))
        raise
    finally:
        os.umask(old_mask)


def _result(path: str, packed: archive.Packed, written: Optional[int]) -> dict[str, Any]:
    return {
        "changed": True,
        "scene": path,
        "files": len(packed.texts),
        "size": packed.size,
        "archive_size": written,
        "cut": packed.cut,
        "masked_lines": packed.masked_lines,
        "diff": {"before": "", "after": "%s (%d files, %d bytes)\n" % (path, len(packed.texts), packed.size)},
    }


if __name__ == "__main__":
    main()
