# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set timeout and tcp-keepalive in the configuration files of a Redis server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_conf
short_description: Set the idle timeout in the configuration files of Redis or Valkey
version_added: 0.1.0
description:
  - Sets C(timeout), and if wanted C(tcp-keepalive), so that they count when the server next starts. The running server
    is not touched; that is the matter of M(closewait.remediation.redis_timeout).
  - The directive is changed where it counts. Redis reads included files in place of the C(include) line, and the last
    directive wins, so that may be in an included file. Every other byte of every file stays as it is. If no file has
    the directive, it is appended to O(path).
  - C(CONFIG REWRITE) is not used. It writes the main file anew from the state of the running server, so it also makes
    every other value permanent that somebody has set for a test, and it needs a login that may do so.
  - Before anything is written, a Redis server is started with the changed configuration, and has to report the wanted
    values. It has no TCP port, no data, no log file and no modules, knows neither primary nor cluster, works in an
    empty folder of its own, and runs as the owner of O(path).
  - Files are replaced in one step, with owner, mode, ACL and extended attributes kept. If one of several cannot be
    written, the others are put back.
options:
  path:
    description: The file that the server is started with.
    type: path
    required: true
  timeout:
    description: Seconds after which the server closes an idle connection. V(0) is never.
    type: int
    default: 0
  tcp_keepalive:
    description:
      - Seconds between TCP keepalives to silent clients. V(0) is none.
      - Without it the directive is left alone.
    type: int
  include_path:
    description:
      - Put the directives into this file instead, and include it at the end of O(path) unless it is included already.
      - It is wholly the matter of this module, and gets the owner and the mode of O(path). Its folder must exist.
      - It fails when a directive after the include wins.
    type: path
  include_content:
    description: The text of O(include_path), which has to set the directives to O(timeout) and O(tcp_keepalive).
    type: str
  backup_dir:
    description:
      - Where files are copied to before they change, with owner and mode kept. It is created with mode 0700.
      - It is refused when an C(include) with a wildcard would read the copies.
    type: path
    default: /var/backups/closewait
  server_pid:
    description:
      - Process id of the server whose configuration this is meant to be.
      - It is refused when O(path) is another file for that process, which is so in a container or on another machine.
    type: int
  redis_server:
    description: The server program to try with. Without it C(redis-server) and then C(valkey-server) are looked for.
    type: path
  redis_cli:
    description: The client program. Without it C(redis-cli) and then C(valkey-cli) are looked for.
    type: path
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
attributes:
  check_mode:
    support: full
    details:
      - It does all but write, trial start included.
      - Where neither O(path) nor the server program are there yet, it warns and predicts a change.
  diff_mode:
    support: full
    details: Shows the lines of this module only, as the files also hold passwords.
  idempotent:
    support: full
requirements:
  - redis-server and redis-cli, or valkey-server and valkey-cli, on the managed host
notes:
  - Options on the command line of the server win over its files, and cannot be seen by this module.
  - A relative C(include) is refused unless an absolute C(dir) stands before it, as nothing says what it is relative to.
seealso:
  - module: closewait.remediation.redis_timeout
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Keep idle connections for ever, from the next start on
  closewait.remediation.redis_conf:
    path: /etc/redis/redis.conf
    timeout: 0

- name: The same, in a file of our own
  closewait.remediation.redis_conf:
    path: /etc/redis/redis.conf
    timeout: 0
    include_path: /etc/redis/closewait.conf
    include_content: |
      timeout 0
"""

RETURN = r"""
before:
  description: What the files set, in the words of redis.conf. Null for a directive that is in no file.
  returned: success
  type: dict
  sample: {"timeout": "1200", "tcp-keepalive": null}
after:
  description: What they set afterwards; in check mode what they would.
  returned: success
  type: dict
  sample: {"timeout": "0", "tcp-keepalive": null}
files:
  description: The files that were changed, in check mode those that would be.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
    backup:
      description: Its copy from before. Null in check mode, and for a file that is new.
      type: str
  sample:
    - path: /etc/redis/redis.conf
      backup: /var/backups/closewait/etc_redis_redis.conf.20260314T092653.589793Z
trial:
  description: What the server of the trial start reported. Null when nothing was to be changed.
  returned: success
  type: dict
  sample: {"timeout": "0"}
"""

import os
from pathlib import Path
from typing import Any, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils._redis import cli as redis_cli
from ansible_collections.closewait.remediation.plugins.module_utils._redis import conf_rewrite as redis_conf_rewrite
from ansible_collections.closewait.remediation.plugins.module_utils._redis import conf_write as redis_conf_write
from ansible_collections.closewait.remediation.plugins.module_utils._redis import live as redis_live
from ansible_collections.closewait.remediation.plugins.module_utils._redis import process as redis_process
from ansible_collections.closewait.remediation.plugins.module_utils._redis import reply as redis_reply
from ansible_collections.closewait.remediation.plugins.module_utils._redis import trial as redis_trial
from ansible_collections.closewait.remediation.plugins.module_utils._redis.conf import ConfError


def main() -> None:
    """Decide, try, and unless in check mode write."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "timeout": {"type": "int", "default": 0},
            "tcp_keepalive": {"type": "int"},
            "include_path": {"type": "path"},
            "include_content": {"type": "str"},
            "backup_dir": {"type": "path", "default": "/var/backups/closewait"},
            "server_pid": {"type": "int"},
            "redis_server": {"type": "path"},
            "redis_cli": {"type": "path"},
        },
        required_together=[("include_path", "include_content")],
        supports_check_mode=True,
    )
    try:
        result = _run(module, module.params)
    except (ConfError, redis_trial.TrialError, redis_reply.RedisError) as exc:
        module.fail_json(msg="%s. Nothing was written." % exc)
    except redis_conf_write.HalfWrittenError as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        advice = "Run this as root. " if isinstance(exc, PermissionError) else ""
        where = exc.filename or module.params["path"]
        module.fail_json(msg="%s: %s. %sNothing was written." % (where, exc.strerror, advice))
    module.exit_json(**result)


def _run(module: AnsibleModule, params: Mapping[str, Any]) -> dict[str, Any]:
    wanted = _wanted(params)
    if module.check_mode and _not_installed(params):
        module.warn("%(path)s is not there, so check mode takes Redis as not installed yet." % params)
        return {"changed": True, "before": dict.fromkeys(wanted), "after": wanted, "files": [], "trial": None}
    main = os.path.realpath(params["path"])
    _check_server(params["server_pid"], main)
    rewrite = _rewrite(main, wanted, params)
    trial = None
    files = [redis_conf_write.Written(path, None) for path in sorted(rewrite.texts)]
    if rewrite.texts:
        redis_conf_write.check_backup_folder(params["backup_dir"], rewrite.tree)
        trial = _try(main, rewrite, wanted, params)
        if not module.check_mode:
            files = redis_conf_write.write(main, rewrite, params["backup_dir"])
    return {
        "changed": bool(rewrite.texts),
        "before": rewrite.now,
        "after": rewrite.after,
        "files": [item._asdict() for item in files],
        "trial": trial,
        "diff": [_diff(path, *sides) for path, sides in sorted(rewrite.shown.items())],
    }


def _wanted(params: Mapping[str, Any]) -> dict[str, str]:
    settings = {name: params[name] for name in redis_live.PARAMETERS if params[name] is not None}
    redis_live.check(settings)
    return {redis_live.PARAMETERS[name]: str(value) for name, value in settings.items()}


def _not_installed(params: Mapping[str, Any]) -> bool:
    if os.path.lexists(params["path"]):
        return False
    try:
        redis_trial.find_server(params["redis_server"])
    except redis_trial.TrialError:
        return True
    return False


def _check_server(pid: Optional[int], main: str) -> None:
    if pid is not None and not redis_process.reads(pid, main):
        raise ConfError(
            "%s is not the file of server process %d, which is in a container or on another machine: change it there"
            % (main, pid)
        )


def _rewrite(main: str, wanted: Mapping[str, str], params: Mapping[str, Any]) -> redis_conf_rewrite.Rewrite:
    if params["include_path"] is None or params["include_content"] is None:
        return redis_conf_rewrite.in_place(main, wanted)
    include = redis_conf_rewrite.Include(params["include_path"], params["include_content"])
    return redis_conf_rewrite.by_include(main, wanted, include)


def _try(
    main: str, rewrite: redis_conf_rewrite.Rewrite, wanted: Mapping[str, str], params: Mapping[str, Any]
) -> dict[str, Optional[str]]:
    state = Path(main).stat()
    return redis_trial.prove(
        redis_trial.find_server(params["redis_server"]),
        redis_cli.find_client(params["redis_cli"]),
        rewrite.tree.lines,
        wanted,
        redis_trial.Owner(state.st_uid, state.st_gid),
    )


def _diff(path: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": path, "after_header": path, "before": before, "after": after}


if __name__ == "__main__":
    main()
