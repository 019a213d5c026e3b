# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_upstream
short_description: Set proxy timeouts, retries and upstream servers of nginx, and prove that they count
version_added: 0.1.0
description:
  - Changes the C(proxy_*) settings and the servers of upstreams where they stand in nginx's configuration, included
    files too, or puts the settings into a file of its own. Every other byte stays.
  - The files are read on the managed host and planned on the controller. Two readers, one of them crossplane, have to
    agree on each file before and after; what is not wanted must not differ.
  - The change is then written, tested, loaded and proven by M(closewait.remediation.nginx_apply), or put back.
  - An upstream without a live server is refused, as are settings that start another incident. See the options.
  - An option that is left out leaves its setting as it is.
options:
  proxy_connect_timeout:
    description: How long to wait for a connection, such as V(2s). V(0) is refused.
    type: str
  proxy_send_timeout:
    description: How long to wait between two writes of the request. V(0) is refused.
    type: str
  proxy_read_timeout:
    description:
      - How long to wait between two reads of the answer. V(0) is refused.
      - To raise it helps only below capacity, which is told from an access log that carries C($upstream_addr) and
        C($upstream_response_time). At or above it there is a warning.
    type: str
  proxy_next_upstream:
    description: When to try the next server. V(off) alone is never.
    type: list
    elements: str
  proxy_next_upstream_tries:
    description: How many servers to try at most. V(0) is no limit.
    type: int
  proxy_next_upstream_timeout:
    description: How long to go on trying. V(0) is no limit.
    type: str
  upstreams:
    description: What to set in C(upstream) blocks, always where they stand.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The upstream.
        type: str
        required: true
      max_fails:
        description:
          - For every server, how many failed attempts within O(upstreams[].fail_timeout) take it out. V(0) is never.
          - V(0) is refused while nothing limits C(proxy_next_upstream), as each request would then try every server.
        type: int
      fail_timeout:
        description: For every server, that time, and how long it is then left alone.
        type: str
      keepalive:
        description: How many idle connections each worker keeps.
        type: int
      keepalive_timeout:
        description: How long it keeps them. Refused unless below O(app_keepalive_timeout), when that is given.
        type: str
      servers:
        description: What to set for single servers.
        type: list
        elements: dict
        default: []
        suboptions:
          address:
            description: As it stands in the block, or with the port that nginx takes.
            type: str
            required: true
          state:
            description: V(down) drains it, it gets no new requests. V(up) returns it.
            type: str
            choices: [up, down]
          max_fails:
            description: For this server, instead of O(upstreams[].max_fails).
            type: int
          fail_timeout:
            description: For this server, instead of O(upstreams[].fail_timeout).
            type: str
  only:
    description:
      - Names of upstreams. The C(proxy_*) settings are then set only for what is proxied to them, in the locations
        where an outer directive also reaches others.
      - Without it they are set for all of C(http).
    type: list
    elements: str
    default: []
  placement:
    description:
      - V(in_place) changes the C(proxy_*) directives where they stand, and adds what is missing to C(http).
      - V(snippet) puts them into O(snippet_file). What an inner level sets itself wins, and is reported.
    type: str
    choices: [in_place, snippet]
    default: in_place
  snippet_file:
    description: The file of its own. It is included in C(http), by a line at its end unless a pattern finds it.
    type: path
    default: /etc/nginx/conf.d/closewait.conf
  log:
    description:
      - V(true) adds an access log with address, times and status of each attempt to O(snippet_file), V(false) takes it
        out again. Without it that is left as it is.
    type: bool
  log_file:
    description: Where that log goes.
    type: path
    default: /var/log/nginx/closewait-upstream.log
  app_keepalive_timeout:
    description: How long the application keeps idle connections.
    type: str
  workers_per_server:
    description: How many requests one server works on at the same time, for the capacity.
    type: int
    default: 1
  window:
    description: How many seconds at the end of the access log count for the capacity.
    type: float
    default: 300.0
  backup_dir:
    description: Where files are copied to before they change. Created with mode 0700.
    type: path
    default: /var/backups/closewait
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
  - closewait.remediation.nginx_service
attributes:
  check_mode:
    support: full
    details: Where nginx is not installed yet, it warns and predicts a change.
  diff_mode:
    support: full
    details: Shows the directives that change and nothing else of the files, as they may hold secrets.
  idempotent:
    support: full
    details: A file that holds what is wanted but is younger than the running workers is loaded.
requirements:
  - nginx or OpenResty on the managed host
  - crossplane on the controller, in the environment of ansible-core
seealso:
  - module: closewait.remediation.nginx_apply
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Stop the flood of retries
  closewait.remediation.nginx_upstream:
    proxy_read_timeout: 30s
    proxy_next_upstream: [error, timeout]
    proxy_next_upstream_tries: 2
    proxy_next_upstream_timeout: 40s

- name: Take a sick server out
  closewait.remediation.nginx_upstream:
    upstreams:
      - name: app
        servers:
          - address: 127.0.0.1:8003
            state: down
    probes:
      - url: http://127.0.0.1/health
"""

RETURN = r"""
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
running:
  description: Whether nginx runs. Null where it is not installed.
  returned: success
  type: bool
reloaded:
  description: Whether it was reloaded, in check mode whether it would be.
  returned: success
  type: bool
workers:
  description: Process ids of the workers. Null when nothing was reloaded.
  returned: success
  type: dict
  contains:
    before:
      description: Those that took connections before.
      type: list
      elements: int
    after:
      description: Those that do now.
      type: list
      elements: int
shadowed:
  description: What an inner level sets itself, so that the snippet does not reach it.
  returned: success
  type: list
  elements: dict
  contains:
    setting:
      description: The directive.
      type: str
    path:
      description: The file.
      type: str
    line:
      description: The line.
      type: int
    blocks:
      description: The blocks around it.
      type: str
    value:
      description: What counts there instead.
      type: str
  sample:
    - setting: proxy_read_timeout
      path: /etc/nginx/sites-available/app
      line: 12
      blocks: server app.example.com > location /slow
      value: 300s
capacity:
  description: For each upstream with a longer read timeout or a server fewer, whether it can do what comes in.
  returned: success
  type: list
  elements: dict
  contains:
    upstream:
      description: The upstream.
      type: str
    verdict:
      description: V(below), V(above) or V(unknown).
      type: str
    utilisation:
      description: Arrival rate x service time / processes. Null when it could not be told.
      type: float
    reason:
      description: The figures, or why there are none.
      type: str
    advice:
      description: The warning. Null when there is none.
      type: str
config_file:
  description: The main file, with symbolic links followed. Null where nginx is not installed.
  returned: success
  type: str
  sample: /etc/nginx/nginx.conf
upstreams:
  description: Per upstream its servers, each with C(address) and C(state), as they are then.
  returned: success
  type: dict
  sample: {"app": [{"address": "127.0.0.1:8001", "state": "up"}, {"address": "127.0.0.1:8003", "state": "down"}]}
"""
