# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No request is lost while timeouts are set, a server is drained and returned, and all of it is taken back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from scenario_kit.figures import record
from scenario_kit.http_load import http_load
from scenario_kit.nginx_proxy import NginxProxy
from scenario_kit.playbooks import Control, Outcome
from scenario_kit.waiting import wait_for

APPLY = "../tests/scenarios/nginx_reload/apply"
SENDERS = 6
TIMEOUTS = {
    "nginx_upstream_proxy_connect_timeout": "2s",
    "nginx_upstream_proxy_read_timeout": "20s",
    "nginx_upstream_proxy_next_upstream_tries": 2,
}


def _servers(state: str) -> dict[str, Any]:
    drained = {"address": "127.0.0.1:17703", "state": state}
    return {"nginx_upstream_upstreams": [{"name": "app", "servers": [drained]}]}


def _variables(proxy: NginxProxy) -> dict[str, Any]:
    return {
        "nginx_upstream_config_file": str(proxy.configuration),
        "nginx_upstream_prefix": str(proxy.folder),
        "nginx_upstream_layout": "debian",
        "nginx_upstream_backup_dir": str(proxy.folder / "backups"),
        "nginx_upstream_probes": [{"url": f"http://127.0.0.1:{proxy.port}/"}],
    }


def _done(outcome: Outcome) -> None:
    assert outcome.status == 0, outcome.text
    assert "changed=0 " not in outcome.text, outcome.text


def test_no_request_is_lost(proxy: NginxProxy, tmp_path: Path) -> None:
    control, variables = Control(tmp_path / "control"), _variables(proxy)
    original, began = proxy.configuration.read_bytes(), time.monotonic()
    before = proxy.answered()
    with http_load(proxy.port, SENDERS) as load:
        wait_for(lambda: load.sent() > 20, 30, "requests")
        for step in (TIMEOUTS, _servers("down")):
            sent = load.sent()
            _done(control.playbook(APPLY, **variables, **step))
            assert load.sent() > sent, "no load while the role ran proves nothing"
        drained = proxy.answered()
        sent = load.sent()
        wait_for(lambda: load.sent() > sent + 30, 30, "more requests")
        assert proxy.answered()[17703] == drained[17703]
        assert proxy.answered()[17701] > drained[17701]
        _done(control.playbook(APPLY, **variables, **_servers("up")))
        wait_for(lambda: proxy.answered()[17703] > drained[17703], 30, "the server to be back")
        for _record in range(3):
            _done(control.playbook("rollback", closewait_rollback_role="nginx_upstream", **variables))
        assert proxy.configuration.read_bytes() == original
        sent = load.sent()
        wait_for(lambda: load.sent() > sent + 30, 30, "requests afterwards")
    account = load.end()
    answered = sum((proxy.answered() - before).values())
    assert set(account) == {"200"}, account
    probes = 6
    assert answered == account["200"] + probes, "each request reached a server once, and each reload was probed once"
    assert proxy.emergencies() == []
    record(
        "nginx_reload",
        requests=account["200"],
        per_second=round(account["200"] / (time.monotonic() - began), 1),
        longest_s=round(load.longest_s, 3),
    )


def test_a_lost_request_would_be_noticed(proxy: NginxProxy) -> None:
    """The control: what nginx breaks off is an error in the account."""
    with http_load(proxy.port, SENDERS) as load:
        wait_for(lambda: load.sent() > 20, 30, "requests")
        # A fast shutdown. SIGKILL would leave the workers at work.
        proxy.program.process.terminate()
        wait_for(lambda: set(load.outcomes) - {"200"}, 30, "an error")
    assert set(load.end()) != {"200"}
