# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The subset nginx: which logs tell of which upstream, and what is said where none does."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import nginx
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import addresses as nginx_addresses
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import process as nginx_process
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import program as nginx_program
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import span as nginx_span
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import span_options

PAIR = "server 10.2.0.1:90; server 10.2.0.2 weight=2 max_fails=3;"
TOLD = "log_format told '$msec $upstream_addr $upstream_response_time $upstream_status';"


class Site:
    """An nginx as far as the collector looks at one: a folder with a configuration and logs."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        master = nginx_process.Master(nginx_process.Identity(os.getpid(), 77), [])
        paths = [str(folder), "nginx.conf", "pid", "error", str(folder / "built-in.log")]
        build = nginx_program.Build("nginx/1.22.1", *paths)
        monkeypatch.setattr(nginx_process, "masters", lambda: [master])
        monkeypatch.setattr(nginx_process, "workers", lambda _of: frozenset([master.identity]))
        monkeypatch.setattr(nginx_process, "started", lambda _process: time.time() + 60)
        program = nginx_program.Program("/sbin/nginx", str(folder / "nginx.conf"), None)
        monkeypatch.setattr(nginx_process, "program", lambda _master: program)
        monkeypatch.setattr(nginx_program, "build", lambda _path: build)

    def log(self, *lines: str, name: str = "told.log") -> None:
        """Lines of now; @ stands for the time."""
        text = "".join("%s\n" % line.replace("@", "%.3f" % time.time()) for line in lines)
        (self.folder / name).write_text(text)

    def instance(self, http: str, max_items: int = 50) -> Dict[str, Any]:
        """The one instance."""
        (self.folder / "nginx.conf").write_text("events {}\nhttp {\n%s\n}\n" % http)
        facts = nginx.collect(nginx.Options(asked=("app",)), max_items)
        assert (facts["errors"], facts["asked"], facts["omitted"]) == ([], ["app"], 0)
        return dict(facts["instances"][0])

    def upstream(self, http: str) -> Dict[str, Any]:
        """The first upstream."""
        found = self.instance(http)
        assert found["error"] is None
        return dict(found["upstreams"][0])


@pytest.fixture(name="site")
def _site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def _proxied(more: str = "", inner: str = "") -> str:
    return "%s upstream app { %s } %s server { location / { proxy_pass http://app/x; %s } }" % (TOLD, PAIR, more, inner)


def test_attempts_are_those_of_the_upstream(site: Site) -> None:
    site.log("@ 10.2.0.1:90, 10.2.0.2:80 2.0, 0.1 504, 200", "@ 10.2.0.2:80 0.1 200", "@ 10.9.9.9:1 5.0 200", "@ - - -")
    found = site.upstream(_proxied("access_log told.log told;"))
    assert (found["name"], found["requests"], found["attempts"], found["unseen"]) == ("app", 2, 3, None)
    rows = {row["address"]: row for row in found["servers"]}
    assert {address: row["attempts"] for address, row in rows.items()} == {"10.2.0.1:90": 1, "10.2.0.2:80": 2}
    second = rows["10.2.0.2:80"]
    assert [second[name] for name in ("server", "state", "weight", "max_fails")] == ["10.2.0.2", "up", "2", "3"]
    assert found["timeouts"]["proxy_read_timeout"] == ["60s"]


@pytest.mark.parametrize(
    ("more", "inner", "unseen"),
    [
        ("", "", "built-in.log lacks $upstream_addr"),
        ("access_log told.log;", "", "told.log lacks $upstream_addr"),
        ("access_log told.log told;", "access_log off;", "its requests are logged to no file"),
        ("access_log syslog:server=unix:/dev/log told;", "", "its requests are logged to no file"),
        ("access_log gone.log told;", "", "gone.log cannot be read: No such file"),
        ("access_log other.log told;", "", "none of its 2 lines has the format"),
        ("access_log told.log told;", "access_log built-in.log;", "built-in.log lacks"),
        ("access_log told.log told;", "", None),
        ("access_log built-in.log; access_log told.log told buffer=4k;", "", None),
        ("access_log off;", "access_log told.log told;", None),
    ],
)
def test_which_log_tells(site: Site, more: str, inner: str, unseen: Optional[str]) -> None:
    site.log("@ 10.2.0.1:90 0.1 200")
    site.log("rubbish", "10.1.1.1 - -", name="other.log")
    found = site.upstream(_proxied(more, inner))
    assert found["unseen"] is None if unseen is None else unseen in found["unseen"]
    assert found["attempts"] == (1 if unseen is None else 0)
    assert unseen is None or "cannot" in unseen or "none" in unseen or "nginx_upstream_log: true" in found["unseen"]


def test_a_log_of_two_locations_is_read_once(site: Site) -> None:
    site.log("@ 10.2.0.1:90 0.1 200")
    http = "%s access_log told.log told; upstream app { %s } upstream too { %s }" % (TOLD, PAIR, PAIR)
    http += " server { location / { proxy_pass http://app; } location /a { proxy_pass http://too; } }"
    found = site.instance(http)
    assert [upstream["attempts"] for upstream in found["upstreams"]] == [1, 1], "the address is a server of both"
    assert len(found["logs"]) == 1


def test_every_location_has_its_log_read(site: Site) -> None:
    site.log("@ 10.2.0.1:90 0.1 200")
    site.log("@ 10.2.0.1:90 0.1 200", "@ 10.2.0.2:80 0.1 200", name="api.log")
    http = "%s access_log told.log told; upstream app { %s } server { location / { proxy_pass http://app; }" % (
        TOLD,
        PAIR,
    )
    found = site.upstream(http + " location /api { access_log api.log told; proxy_pass http://app; } }")
    assert found["attempts"] == 3


def test_names_are_resolved_and_one_that_is_not_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    known: Dict[str, Optional[List[str]]] = {"web:80": ["10.2.0.7:80", "10.2.0.8:80"], "lost:80": None}
    monkeypatch.setattr(nginx_addresses, "logged", lambda server: known[server])
    http = "%s access_log told.log told; upstream app { server web; server lost down; }" % TOLD
    site.log("@ 10.2.0.7:80 0.1 200")
    found = site.upstream(http + " server { location / { uwsgi_pass app; } }")
    assert [row["address"] for row in found["servers"]] == ["10.2.0.7:80", "10.2.0.8:80", None]
    assert [row["attempts"] for row in found["servers"]] == [1, 0, 0]
    assert found["unseen"] == "lost could not be resolved, so its lines cannot be told"


def test_a_configuration_that_cannot_be_read_is_an_error(site: Site) -> None:
    found = site.instance("include /nowhere/at.all;")
    assert found["upstreams"] is None
    assert "/nowhere/at.all, which does not exist" in found["error"]
    assert "the block is not closed" in site.instance("upstream { ")["error"]


def test_a_file_younger_than_the_workers_may_not_count_yet(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert site.instance(_proxied())["changed_since_load"] is False
    monkeypatch.setattr(nginx_process, "started", lambda _process: time.time() - 60)
    assert site.instance(_proxied())["changed_since_load"] is True


def test_facts_are_bounded(site: Site) -> None:
    site.log("@ 10.5.0.3:80 0.1 200", "@ 10.5.0.3:80 0.1 200")
    servers = "".join("upstream u%d { server 10.5.0.%d; server 10.6.0.%d; } " % (n, n, n) for n in range(200))
    passes = "".join("location /%d { proxy_pass http://u%d; } " % (n, n) for n in range(200))
    found = site.instance("%s access_log told.log told; %s server { %s }" % (TOLD, servers, passes))
    assert found["upstreams"][0]["name"] == "u3"
    assert len(found["upstreams"]) == 25
    assert found["upstreams_omitted"] == 175
    assert len(json.dumps(found)) < 40_000
    big = "".join("server 10.7.%d.%d; " % (n // 200, n % 200) for n in range(400))
    one = site.upstream("upstream app { %s } server { location / { proxy_pass http://app; } }" % big)
    assert (len(one["servers"]), one["servers_omitted"]) == (50, 350)


def test_only_what_began_since_then_counts(site: Site) -> None:
    """A request that ended afterwards may have been tried before."""
    http, now = _proxied("access_log told.log told;"), time.time()
    site.log(*("%.3f 10.2.0.1:90 %s 200" % (now - ago, took) for ago, took in ((40, "0.1"), (10, "25.0"), (10, "0.1"))))
    assert site.upstream(http)["attempts"] == 3
    span = nginx_span.Span(since=now - 30)
    assert nginx.collect(nginx.Options(span), 50)["instances"][0]["upstreams"][0]["attempts"] == 1
    span = nginx_span.Span(window=30.0)
    assert nginx.collect(nginx.Options(span), 50)["instances"][0]["upstreams"][0]["attempts"] == 2


def test_a_host_without_nginx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nginx_process, "masters", list)
    assert nginx.collect(nginx.Options(), 50)["instances"] == []


@pytest.mark.parametrize(("text", "since"), [("2026-01-01T00:00:00Z", 1767225600.0), ("12.5", 12.5), (None, None)])
def test_since(text: Optional[str], since: Optional[float]) -> None:
    params = {"nginx_window": 60.0, "nginx_since": text, "nginx_max_bytes": 5}
    assert span_options.span(params) == (60.0, since, 5)


@pytest.mark.parametrize("wrong", [{"nginx_window": 0.0}, {"nginx_max_bytes": 0}, {"nginx_since": "now"}])
def test_options_that_are_wrong_are_named(wrong: Dict[str, Any]) -> None:
    params = {"nginx_window": 60.0, "nginx_since": None, "nginx_max_bytes": 5, **wrong}
    with pytest.raises(ValueError, match=next(iter(wrong))):
        span_options.span(params)
