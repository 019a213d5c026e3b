#!/usr/bin/python
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a file for the textfile collector of node_exporter."""

from __future__ import annotations

DOCUMENTATION = r"""
module: textfile_write
short_description: Write a file for the textfile collector of Prometheus' node_exporter in one step
version_added: 0.1.0
description:
  - Puts a text where node_exporter collects it. The collector sees the old text or the new one, never a part of it, and
    may read it from the first moment.
  - It is what M(closewait.remediation.findings_textfile) writes with.
options:
  path:
    description:
      - The file, in the folder that node_exporter was given as C(--collector.textfile.directory). The folder must be
        there.
      - Its name must end in C(.prom), for the collector passes over all others.
      - A symbolic link of that name is replaced, not followed.
    type: path
    required: true
  content:
    description: The text, in Prometheus' text format.
    type: str
    required: true
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: closewait.remediation.findings_textfile
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Say when the backup was made
  closewait.remediation.textfile_write:
    path: /var/lib/prometheus/node-exporter/backup.prom
    content: |
      backup_last_success_timestamp_seconds 1762071330
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /var/lib/prometheus/node-exporter/backup.prom
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _textfile


def main() -> None:
    """Compare, write, answer."""
    module = AnsibleModule(
        argument_spec={"path": {"type": "path", "required": True}, "content": {"type": "str", "required": True}},
        supports_check_mode=True,
    )
    path, content = module.params["path"], module.params["content"].encode("utf-8")
    if not path.endswith(_textfile.SUFFIX):
        module.fail_json(msg="%s does not end in %s: node_exporter would pass over it." % (path, _textfile.SUFFIX))
    before = _textfile.read(path)
    changed = before != content or not _textfile.is_readable_by_all(path)
    try:
        if changed and not module.check_mode:
            _textfile.write(path, content)
    except OSError as exc:
        module.fail_json(msg="%s could not be written: %s." % (path, exc.strerror))
    shown = (before or b"").decode("utf-8", "replace")
    diff = {"before_header": path, "after_header": path, "before": shown, "after": module.params["content"]}
    module.exit_json(changed=changed, path=path, diff=diff)


if __name__ == "__main__":
    main()
