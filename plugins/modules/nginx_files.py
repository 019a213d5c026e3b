# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the configuration of an nginx with all that it includes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_files
short_description: Read the configuration files of nginx or OpenResty
version_added: 0.1.0
description:
  - Reads the main file and every file that it includes, as nginx would, and asks the program how it was built.
  - It is what M(closewait.remediation.nginx_upstream) plans with. What is in the files may be secret, so use C(no_log)
    when you call it yourself.
options:
  program:
    description: Name or path of the program, such as V(nginx) or V(/usr/local/openresty/nginx/sbin/nginx).
    type: str
    default: nginx
  config_file:
    description: The main file. Without it the program is asked.
    type: path
  snippet_file:
    description: One more file to read, whether it is included or not.
    type: path
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
- name: Read the configuration of OpenResty
  closewait.remediation.nginx_files:
    program: /usr/local/openresty/nginx/sbin/nginx
  no_log: true
  register: nginx_read
"""

RETURN = r"""
installed:
  description: Whether the program is there. Without it nothing else is returned.
  returned: success
  type: bool
program:
  description: Its path.
  returned: when installed
  type: str
  sample: /usr/sbin/nginx
version:
  description: What it says that it is.
  returned: when installed
  type: str
  sample: nginx/1.22.1
main:
  description: The main file, with symbolic links followed.
  returned: when installed
  type: str
  sample: /etc/nginx/nginx.conf
folder:
  description: What a relative include starts from.
  returned: when installed
  type: str
  sample: /etc/nginx
files:
  description: Every file that is read, once, with symbolic links followed.
  returned: when installed
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
    content:
      description: What it holds, in Base64.
      type: str
includes:
  description: Per pattern of an include the files that it finds.
  returned: when installed
  type: dict
  sample: {"/etc/nginx/conf.d/*.conf": ["/etc/nginx/conf.d/app.conf"]}
snippet:
  description: The file of O(snippet_file), with symbolic links followed. Null when none was asked for.
  returned: when installed
  type: dict
  contains:
    path:
      description: The file.
      type: str
    content:
      description: What it holds, in Base64; null when it does not exist.
      type: str
http_log_path:
  description: Where it logs when no C(access_log) says so.
  returned: when installed
  type: str
  sample: /var/log/nginx/access.log
prefix:
  description: What relative paths of logs start from.
  returned: when installed
  type: str
  sample: /usr/share/nginx
"""

import base64
import os
from typing import Any, Dict, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _file_set
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import files as nginx_files
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import program as nginx_program


def main() -> None:
    """Read, and answer."""
    module = AnsibleModule(
        argument_spec={
            "program": {"type": "str", "default": "nginx"},
            "config_file": {"type": "path"},
            "snippet_file": {"type": "path"},
        },
        supports_check_mode=True,
    )
    program = nginx_program.find(module.params["program"])
    if program is None:
        module.exit_json(changed=False, installed=False)
    try:
        answer = _read(program, module.params["config_file"], module.params["snippet_file"])
    except (nginx_files.ConfigError, nginx_program.NginxError) as exc:
        module.fail_json(msg="%s." % exc)
    except OSError as exc:
        module.fail_json(msg="%s: %s. Run this as root, or set config_file." % (exc.filename, exc.strerror))
    module.exit_json(changed=False, installed=True, **answer)


def _read(program: str, config_file: Optional[str], snippet_file: Optional[str]) -> Dict[str, Any]:
    build = nginx_program.build(program)
    main_file = config_file or build.conf_path
    files = nginx_files.read(main_file)
    return {
        "program": program,
        "version": build.version,
        "main": files.main,
        "folder": os.path.dirname(os.path.abspath(main_file)),
        "files": [{"path": path, "content": _encoded(content)} for path, content in sorted(files.contents.items())],
        "includes": files.includes,
        "snippet": None if snippet_file is None else _snippet(os.path.realpath(snippet_file)),
        "http_log_path": build.http_log_path,
        "prefix": build.prefix,
    }


def _snippet(path: str) -> Dict[str, Any]:
    content = _file_set.content(path)
    return {"path": path, "content": None if content is None else _encoded(content)}


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


if __name__ == "__main__":
    main()
