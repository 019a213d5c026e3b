# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_upstream_facts
short_description: Tell from access logs how each upstream server of nginx does, attempt by attempt
version_added: 0.1.0
description:
  - Finds every nginx or OpenResty that runs on the host, reads the configuration that its master was started with, and
    the access logs that this names, by their own C(log_format), plain or as JSON.
  - Per server of each upstream it counts the attempts, how long they took, how many failed and how many were never
    connected. A request that was tried on several servers counts for each of them with that server's own time.
  - A log has to carry C($upstream_addr), C($upstream_response_time) and a time. C($upstream_status),
    C($upstream_connect_time) and C($status) tell more. Where no log of an upstream does, C(unseen) says so;
    O(closewait.remediation.nginx_upstream#module:log) adds one.
  - An nginx in a container is listed with an C(error), as its files are in there.
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.facts
  - closewait.remediation.attributes.remediation_group
  - closewait.remediation.bounded
  - closewait.remediation.nginx_span
notes:
  - Needs root to see the configuration and the logs of an nginx that root started.
seealso:
  - module: closewait.remediation.nginx_upstream
  - module: closewait.remediation.incident_facts
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Look at the last ten minutes
  closewait.remediation.nginx_upstream_facts:
  become: true

- name: Look at an hour of a busy log
  closewait.remediation.nginx_upstream_facts:
    nginx_window: 3600
    nginx_max_bytes: 1000000000
  become: true
"""

RETURN = r"""
ansible_facts:
  description: Facts to add to C(ansible_facts).
  returned: always
  type: dict
  contains:
    closewait:
      description: The facts of this collection.
      type: dict
      contains:
        nginx:
          description: What nginx does on this host.
          type: dict
          contains:
            errors:
              description: What could not be looked at, each with C(source) and C(reason).
              type: list
              elements: dict
            window_s:
              description: O(nginx_window).
              type: float
            since:
              description: O(nginx_since) in seconds since the epoch.
              type: float
            asked:
              description: O(nginx_upstreams).
              type: list
              elements: str
            omitted:
              description: Instances that were left out because of O(max_items).
              type: int
            instances:
              description: One per nginx master. Null when the processes could not be listed.
              type: list
              elements: dict
              contains:
                pid:
                  description: Process id of the master.
                  type: int
                start_time:
                  description: Its start in clock ticks after boot.
                  type: int
                netns:
                  description: Inode of its network namespace.
                  type: int
                program:
                  description: The file that it runs.
                  type: str
                config_file:
                  description: The main file of its configuration.
                  type: str
                prefix:
                  description: The prefix that it was told (C(-p)). Null when it has the built-in one.
                  type: str
                changed_since_load:
                  description: Whether a file is younger than the workers, so that what it says may not count yet.
                  type: bool
                error:
                  description: Why its configuration could not be read. Null when it could.
                  type: str
                upstreams_omitted:
                  description: Upstreams that were left out because of O(max_items), those with the fewest attempts.
                  type: int
                logs:
                  description:
                    - The access logs that were read. Each has its C(path), the number of C(files), of C(lines) and of
                      C(other_lines) that are of another format, the times of the C(oldest) and C(newest) request that
                      counted (seconds since the epoch), and C(cut), why not all of the window was read.
                  type: list
                  elements: dict
                upstreams:
                  description: The upstreams of http, the busiest first. Null with RV(ignore:error).
                  type: list
                  elements: dict
                  contains:
                    name:
                      description: Its name.
                      type: str
                    requests:
                      description: Requests that went there.
                      type: int
                    attempts:
                      description: Attempts at its servers.
                      type: int
                    retried:
                      description: Requests that were tried more than once.
                      type: int
                    attempts_per_request:
                      description: The amplification. Null without requests.
                      type: float
                    client_gone:
                      description: Requests that the client gave up (499).
                      type: int
                    no_live_servers:
                      description: Requests for which nginx had no server to try.
                      type: int
                    servers_omitted:
                      description: Servers that were left out because of O(max_items).
                      type: int
                    timeouts:
                      description: The C(proxy_*) settings where it is proxied to, each with its different values.
                      type: dict
                    unseen:
                      description: Why it is not known how its servers do. Null when it is.
                      type: str
                    servers:
                      description:
                        - One per address of each C(server) line. C(server) is what is written, C(address) what is
                          logged, C(state) V(up), V(down) or V(backup).
                        - C(attempts), of those C(timed) with a time, C(failed) with 5xx, C(timed_out) with 504, and
                          C(never_connected). C(slow) has the number that took at least so many seconds. C(p50_s),
                          C(p95_s) and C(p99_s) are within 5 %.
                        - C(well_since) counts the attempts since the last one that failed or took a second.
                        - C(weight), C(max_fails) and C(fail_timeout) are as written, or null.
                      type: list
                      elements: dict
              sample:
                - pid: 812
                  start_time: 5123
                  netns: 4026531840
                  program: /usr/sbin/nginx
                  config_file: /etc/nginx/nginx.conf
                  prefix: null
                  changed_since_load: false
                  error: null
                  upstreams_omitted: 0
                  logs:
                    - path: /var/log/nginx/closewait-upstream.log
                      files: 1
                      lines: 4210
                      other_lines: 0
                      oldest: 1767429000.2
                      newest: 1767429599.8
                      cut: null
                  upstreams:
                    - name: app
                      requests: 4210
                      attempts: 4263
                      retried: 53
                      attempts_per_request: 1.01
                      client_gone: 2
                      no_live_servers: 0
                      servers_omitted: 0
                      timeouts: {"proxy_read_timeout": ["60s"]}
                      unseen: null
                      servers:
                        - address: 127.0.0.1:8003
                          server: 127.0.0.1:8003
                          state: up
                          weight: null
                          max_fails: null
                          fail_timeout: null
                          attempts: 53
                          timed: 53
                          failed: 53
                          never_connected: 4
                          timed_out: 53
                          well_since: 0
                          slow: {"0.5": 53, "1": 53, "2": 53, "4": 53, "8": 53, "16": 53, "32": 53, "64": 0}
                          p50_s: 59.1
                          p95_s: 59.1
                          p99_s: 59.1
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _facts_result
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import nginx
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import span_options


def main() -> None:
    """Collect and return."""
    module = AnsibleModule(argument_spec={**_facts_result.BOUNDED, **span_options.ARGUMENTS}, supports_check_mode=True)
    try:
        span = span_options.span(module.params)
    except ValueError as exc:
        module.fail_json(msg=str(exc))
    options = nginx.Options(span, tuple(module.params["nginx_upstreams"]))
    _facts_result.leave(module, {"nginx": nginx.collect(options, _facts_result.max_items(module))})


if __name__ == "__main__":
    main()
