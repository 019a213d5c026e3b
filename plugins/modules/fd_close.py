#!/usr/bin/python
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fd_close
short_description: Close half-closed file descriptors of running processes
version_added: 0.1.0
description:
  - Closes sockets in C(CLOSE_WAIT) that make an event loop spin, inside the running process, without a restart.
  - The process is stopped through gdb for a few milliseconds. While all its threads stand still every target is
    looked at again, and it is touched only if it still is what the caller named, that is the same process (pid and
    start time, running the same program), the same socket (inode and cookie), half-closed, with no unread and no unsent
    bytes, and held by nobody else.
  - The registration in the epoll set is removed first, from outside where the kernel allows that (Linux 5.6). Then the
    socket goes. Except for Celery, which must meet the error to reconnect, the process runs on between the two until
    the loop waits again, so that no round of it has the number in hand.
  - A socket that several processes hold is closed in all of them, when all are targets, or in none.
  - Fix the cause first. While the server goes on closing idle connections, a closed socket is back in seconds.
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
attributes:
  check_mode:
    support: full
    details: Nothing is stopped, and gdb need not be there yet; the outcomes say what would be done.
  diff_mode:
    support: full
  idempotent:
    support: full
    details: What has been closed is C(gone) the second time, and what has been replaced is C(changed) and left alone.
options:
  targets:
    description:
      - The file descriptors, as the remedies of a diagnosis or M(closewait.remediation.tcp_facts) name them.
    type: list
    elements: dict
    required: true
    suboptions:
      pid:
        description: The process that holds the socket. For a ghost it is the holder, never the process that spins.
        type: int
        required: true
      start_time:
        description: Start of the process in clock ticks since boot (field 22 of C(/proc/PID/stat)).
        type: int
        required: true
      fd:
        description: The number of the file descriptor.
        type: int
        required: true
      inode:
        description: The socket's inode.
        type: int
        required: true
      cookie:
        description: The kernel's cookie of the socket, 16 hex digits. Leave it out for a socket that no listing shows.
        type: str
      peer:
        description: Address and port of the other end, for the report only.
        type: str
      ghost:
        description:
          - The socket is watched by another process that has closed it, while this one, which inherited it, keeps it
            alive.
        type: bool
        default: false
  method:
    description:
      - V(close) closes the number. Right for connections that Celery (kombu) manages, which notices and reconnects.
        Elsewhere it is refused unless O(force_close=true).
      - V(placeholder) puts an unconnected socket on the number, shut on both sides. The number stays taken, reads find
        the end as before, and the owner's next write fails cleanly. Right for client pools.
      - V(auto) picks by runtime and kind of file descriptor, and says why.
    type: str
    choices: [auto, close, placeholder]
    default: auto
  allow_unread:
    description: Close even if bytes that the program has not read yet are lost by it.
    type: bool
    default: false
  force_close:
    description:
      - Use O(method=close) also where the program does not expect it, that is outside Celery (kombu) and ghosts.
      - The number is free then. What the program still does with it, its own close too, hits what it opens next there.
        Programs were seen to send one peer's data to another, and to close a stranger's connection.
    type: bool
    default: false
  force_unwatched:
    description: Close also what no event loop watches. Such a socket costs no CPU and needs no remedy.
    type: bool
    default: false
  force_runtime:
    description:
      - Close also in a runtime that is unknown or known to break (gevent aborts or never consumes again).
    type: bool
    default: false
  min_age:
    description: Leave alone what the peer closed less than this many seconds ago.
    type: float
    default: 1.0
  max_stop_ms:
    description: After this many milliseconds of one stop the process is let go, and stopped again for the rest.
    type: float
    default: 100.0
  timeout:
    description: How many seconds gdb may take for an answer before it is killed and the process released.
    type: float
    default: 10.0
  journal:
    description:
      - File on the managed host that gets a line of JSON before an fd is touched (phase C(intent)) and one with what
        came of it (phase C(outcome)), with who did it, the process, the socket, the evidence and the stops.
      - It is made for root alone, and rotated at 10 MiB to C(.1) up to C(.5). When it cannot be written, or its path
        leads through a symbolic link or something that belongs to somebody else, nothing is done.
      - Check mode leaves it alone.
    type: path
    default: /var/log/closewait/fd_close.jsonl
  gdb:
    description: The gdb to use.
    type: path
    default: gdb
requirements:
  - gdb on the managed host
  - root, or CAP_SYS_PTRACE and CAP_NET_ADMIN
notes:
  - 64-bit x86 only, as of now. Anything else is refused.
  - Should gdb or this module be killed in a stop, the process gets its registers back and runs on, unless it is
    one that is not held (RV(stops[].held)). Its parent sees a C(SIGCHLD) for the stop and one for its end.
  - A socket passed to another process over a unix socket in the very moment of the stop is not seen as held elsewhere.
seealso:
  - module: closewait.remediation.incident_facts
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Close one socket that a diagnosis has named
  closewait.remediation.fd_close:
    targets:
      - pid: 28912
        start_time: 51702345
        fd: 30
        inode: 1026883657
        cookie: 00000000000a41f2
  become: true
"""

RETURN = r"""
results:
  description: One entry per target.
  returned: success
  type: list
  elements: dict
  sample:
    - pid: 28912
      start_time: 51702345
      fd: 30
      inode: 1026883657
      outcome: closed
      method: close
      reason: kombu meets EBADF, gives the connection up and reconnects
      alternative:
      unregistered_from: [11]
      stop_ms: 6.4
  contains:
    pid:
      description: The process.
      type: int
    start_time:
      description: Its start in clock ticks since boot.
      type: int
    fd:
      description: The number.
      type: int
    inode:
      description: The socket's inode.
      type: int
    outcome:
      description:
        - V(closed) or V(replaced) when it was done, V(would_close) or V(would_replace) in check mode.
        - V(gone) when there is nothing left to do.
        - V(changed) when the process or the number is something else by now; it was left alone.
        - V(refused) when it was left alone for the RV(results[].reason).
        - V(unwatched) when it was taken out of the epoll set, so that it spins no more, but then had to be left open
          for the RV(results[].reason). The program's loop will not hear of this socket again.
        - V(lost) when the process ended while it was worked on.
      type: str
    method:
      description: How it was, or would be, done.
      type: str
    reason:
      description: Why.
      type: str
    alternative:
      description: What to do instead.
      type: str
    unregistered_from:
      description: Epoll file descriptors from which the socket was removed.
      type: list
      elements: int
    stop_ms:
      description: How far into the stop it was done, in milliseconds.
      type: float
stops:
  description: Every stop of a process.
  returned: success
  type: list
  elements: dict
  contains:
    pid:
      description: The process.
      type: int
    stop_ms:
      description: How long it stood still, in milliseconds, from just before the attach to just after the detach.
      type: float
    fds:
      description: How many targets were dealt with in this stop.
      type: int
    held:
      description:
        - Whether it was held by C(SIGSTOP) besides, so that it stays whole even when somebody kills gdb or this module.
          That is not done to a job of a terminal, nor to a child of C(su), C(runuser), C(sudo), C(doas) or C(script).
      type: bool
"""

import os
import shutil

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _journal
from ansible_collections.closewait.remediation.plugins.module_utils._fd import closing as fd_closing
from ansible_collections.closewait.remediation.plugins.module_utils._fd import decision as fd_decision
from ansible_collections.closewait.remediation.plugins.module_utils._fd import journal as fd_journal
from ansible_collections.closewait.remediation.plugins.module_utils._fd import observation as fd_observation
from ansible_collections.closewait.remediation.plugins.module_utils._fd import targets as fd_targets
from ansible_collections.closewait.remediation.plugins.module_utils._fd.order import Order
from ansible_collections.closewait.remediation.plugins.module_utils._fd.report import Result

TARGET = {
    "pid": {"type": "int", "required": True},
    "start_time": {"type": "int", "required": True},
    "fd": {"type": "int", "required": True},
    "inode": {"type": "int", "required": True},
    "cookie": {"type": "str"},
    "peer": {"type": "str"},
    "ghost": {"type": "bool", "default": False},
}

ARGUMENTS = {
    "targets": {"type": "list", "elements": "dict", "required": True, "options": TARGET},
    "method": {"type": "str", "choices": ["auto", "close", "placeholder"], "default": "auto"},
    "allow_unread": {"type": "bool", "default": False},
    "force_close": {"type": "bool", "default": False},
    "force_unwatched": {"type": "bool", "default": False},
    "force_runtime": {"type": "bool", "default": False},
    "min_age": {"type": "float", "default": 1.0},
    "max_stop_ms": {"type": "float", "default": 100.0},
    "timeout": {"type": "float", "default": 10.0},
    "journal": {"type": "path", "default": "/var/log/closewait/fd_close.jsonl"},
    "gdb": {"type": "path", "default": "gdb"},
}


#: Least and most, both included.
RANGES = {"timeout": (0.1, 300.0), "max_stop_ms": (1.0, 60000.0), "min_age": (0.0, 1e9)}


def check_ranges(module: AnsibleModule) -> None:
    """End the module when a number is out of its range (or no number)."""
    for name, (least, most) in RANGES.items():
        if not least <= module.params[name] <= most:
            module.fail_json(msg="%s must be between %g and %g, not %g" % (name, least, most, module.params[name]))


def order(module: AnsibleModule) -> Order:
    """The module's arguments as an order; ends the module when a need is missing."""
    given = module.params
    gdb = shutil.which(given["gdb"])
    if gdb is None and not module.check_mode:
        module.fail_json(msg="%s is not on this host; install the package gdb" % given["gdb"])
    if os.geteuid() != 0:
        module.fail_json(msg="closing fds of other processes needs root; run the task with become: true")
    options = fd_decision.Options(
        method=given["method"],
        allow_unread=given["allow_unread"],
        force_unwatched=given["force_unwatched"],
        force_runtime=given["force_runtime"],
        min_age=given["min_age"],
        force_close=given["force_close"],
    )
    empty_folder = os.path.join(module.tmpdir, "sysroot")
    os.makedirs(empty_folder, mode=0o700, exist_ok=True)
    return Order(options, str(gdb), empty_folder, given["max_stop_ms"], given["timeout"])


def line(row: Result, state: str) -> str:
    """One line of the diff."""
    return "pid %d fd %d socket:[%d] %s\n" % (row["pid"], row["fd"], row["inode"], state)


AFTER = {
    "closed": "closed",
    "would_close": "closed",
    "replaced": "replaced by an unconnected socket",
    "would_replace": "replaced by an unconnected socket",
    "lost": "gone with its process",
}


def diff(rows: list[Result]) -> dict[str, str]:
    """Before and after, for what is or would be done."""
    done = [row for row in rows if row["outcome"] in AFTER or row["unregistered_from"]]
    return {
        "before": "".join(line(row, "half-closed") for row in done),
        "after": "".join(line(row, AFTER.get(row["outcome"], "no longer watched")) for row in done),
    }


def main() -> None:
    """Decide, then act when not in check mode."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    check_ranges(module)
    try:
        targets = fd_targets.parse(module.params["targets"])
        given = order(module)
        with fd_observation.Observer(targets) as observer:
            if module.check_mode:
                report = fd_closing.predict(observer, targets, given)
            else:
                logbook = fd_journal.Logbook(_journal.Journal(module.params["journal"]))
                report = fd_closing.run(observer, targets, given, logbook)
    except _journal.JournalError as exc:
        module.fail_json(msg="%s. Nothing was touched. Mend it, or set another one (journal)" % exc)
    except ValueError as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        module.fail_json(msg="the kernel does not show the sockets (%s); nothing was touched" % exc)
    for warning in report.warnings:
        module.warn(warning)
    changes = diff(report.results)
    module.exit_json(changed=bool(changes["after"]), results=report.results, stops=report.stops, diff=changes)


if __name__ == "__main__":
    main()
