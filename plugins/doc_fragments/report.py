# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the actions that write the report."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragment ``closewait.remediation.report``."""

    DOCUMENTATION = r"""
options:
  register_name:
    description:
      - Name of the variable into which M(closewait.remediation.incident_facts) was registered on every host in this
        run.
      - Cached facts are never used. Their process ids may be other processes by now.
    type: str
    default: closewait_gathered
  hosts:
    description:
      - Inventory names of the hosts to speak about. A host without a registered result is reported as not looked at.
      - Without it, all hosts of the play, also those that failed or could not be reached.
      - When no host of a play can be reached, no later task of that play runs. Put this action into a play of its own
        on C(localhost) and name the hosts here, so that there is a report in that case too.
    type: list
    elements: str
  output_dir:
    description:
      - Folder on the controller for the report files. It is made if it is missing, readable by its owner only.
      - A relative path counts from the working directory.
    type: path
    default: ./closewait-report
  redis_host_variable:
    description:
      - Name of a host variable with the inventory name of the Redis that this host connects to.
      - It is looked at where the addresses of the hosts do not tell, as with a proxy or with equal addresses on several
        hosts.
    type: str
    default: closewait_redis_host
  thresholds:
    description:
      - Numbers from which on a rule speaks up, as far as they are to differ from the defaults.
      - "Names and defaults: V(spin_runnable_share) 0.8, V(spin_voluntary_per_s) 10, V(spin_cpu_percent) 10,
        V(spin_system_share) 0.025, V(spin_cpu_seconds) 2, V(failing_loop_windows) 3,
        V(failing_loop_calls_per_cpu_s) 20,
        V(accept_given_up) 5, V(accept_queue_share) 0.5, V(blocked_share) 0.5, V(flood_attempts) 1.5,
        V(timeout_slack_s) 1, V(redis_close_lag_s) 2, V(leak_total) 20,
        V(leak_oldest_s) 600, V(leak_age_classes) 3, V(leak_medium_share) 0.2, V(leak_high_share) 0.5,
        V(leak_critical_share) 0.8,
        V(explosion_per_remote) 20, V(explosion_remotes) 3, V(explosion_processes) 3, V(explosion_hot_s) 10,
        V(explosion_cold_s) 1, V(explosion_cold_ratio) 3, V(explosion_even_share) 0.8,
        V(explosion_high_share) 0.5, V(explosion_critical_share) 0.8,
        V(fleet_hosts) 5, V(fleet_share) 0.2, V(fleet_factor) 5, V(fleet_connections) 1000, V(fleet_close_wait) 50,
        V(fleet_cpu_percent) 80, V(fleet_common_hosts) 2,
        V(upstream_attempts) 10, V(upstream_slow_s) 1, V(upstream_slow_factor) 5,
        V(upstream_error_lead) 0.2, V(upstream_bad_attempts) 3, V(upstream_bad_share) 0.8,
        V(database_idle_share) 0.5, V(database_room_share) 0.8, V(database_longest_timeout_s) 604800."
    type: dict
    default: {}
attributes:
  action:
    description: Has an action plugin of the same name, which does all of it on the controller.
    support: full
  check_mode:
    support: full
    details: It writes its report in check mode too, because a report changes no host.
  diff_mode:
    support: N/A
    details: It changes no host.
  idempotent:
    support: full
    details: The same facts give the same report.
notes:
  - It runs on the controller and needs no connection. Run it once, not once per host.
"""
