# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From wishes to changed files: what changes, and that nothing else does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.files import ConfigError
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import snippet as nginx_snippet
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.plan_error import PlanError
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.nginx_configurations import (
    MAIN,
    SNIPPET,
    UPSTREAM,
    planned,
    result,
)

NASTY = (
    "# http { proxy_read_timeout 1s; }\r\n"
    "http {\r\n"
    f"\t{UPSTREAM}\r\n"
    "\tlog_format a '$request \"; proxy_read_timeout 2s; }';\r\n"
    '\tmap $uri $x { "~^/a{2}" 1; proxy_read_timeout 3; default "it\'s"; }\r\n'
    "\tserver {\r\n"
    '\t\tcontent_by_lua_block { -- don\'t }\r\n ngx.say("} proxy_read_timeout 4s;") }\r\n'
    '\t\tlocation ~ "^/b{1,2}$" { proxy_pass http://app; proxy_read_timeout   90s ; } # kept\r\n'
    '\t\tset $u caf\u00c3\u00a9\u00c2\u0085; add_header X "${u}; \\" \'";\r\n'
    "\t}\r\n"
    "}\r\n"
)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_in_a_nasty_file_only_the_value_changes() -> None:
    assert result(NASTY, proxy_read_timeout="7s") == NASTY.replace("   90s ;", "   7s ;")


def test_what_is_missing_is_added_to_http_with_the_line_ends_of_the_file() -> None:
    text = result(NASTY, proxy_send_timeout="7s")
    assert text == NASTY[: -len("}\r\n")] + "\tproxy_send_timeout 7s;\r\n}\r\n"


@pytest.mark.parametrize(("old", "new"), [("90s", "1m30s"), ("90", "90s"), ("90s", "90000ms"), ("1h 0m", "1h")])
def test_the_same_time_in_other_words_is_left(old: str, new: str) -> None:
    main = f"http {{ {UPSTREAM} proxy_read_timeout '{old}'; server {{ location / {{ proxy_pass http://app; }} }} }}"
    assert planned(main, proxy_read_timeout=new).changes == ()


def test_every_level_is_changed_where_it_stands() -> None:
    main = (
        f"http {{ {UPSTREAM} proxy_read_timeout 1; server {{ proxy_read_timeout 2; location / {{ "
        "proxy_pass http://app; "
        "proxy_read_timeout 3; location /in { proxy_pass http://app; } } } }"
    )
    assert result(main, proxy_read_timeout="9") == re.sub("timeout [123];", "timeout 9;", main)


def test_only_some_upstreams() -> None:
    main = (
        f"http {{\n {UPSTREAM}\n upstream b {{ server 10.2.0.1; }}\n proxy_read_timeout 1;\n server {{\n"
        "  location / {\n   proxy_pass http://app; # here\n  }\n"
        "  location /b {\n   proxy_pass http://b/x;\n  }\n"
        "  location /if {\n   if ($a) {\n    proxy_pass http://app;\n   }\n  }\n }\n}\n"
    )
    text = result(main, proxy_read_timeout="9s", only=["app"])
    added = "   proxy_read_timeout 9s;\n"
    expected = main.replace("# here\n", f"# here\n{added}").replace(
        "    proxy_pass http://app;\n   }\n", "    proxy_pass http://app;\n   }\n" + added
    )
    assert text == expected


def test_a_file_that_others_share_is_not_changed_for_some() -> None:
    servers = "upstream a { server 10.1.0.1; } upstream b { server 10.1.0.2; }"
    places = [f"location /{name} {{ proxy_pass http://{name}; include conf.d/*.conf; }}" for name in "ab"]
    main = f"http {{ {servers} server {{ {' '.join(places)} }} }}"
    with pytest.raises(PlanError, match="stands there once for several places"):
        planned(main, more={"shared": "proxy_read_timeout 5s;\n"}, proxy_read_timeout="9s", only=["a"])


def test_a_file_that_all_share_is_changed_once() -> None:
    main = (
        f"http {{ {UPSTREAM} server {{ location /a {{ proxy_pass http://app; include conf.d/*.conf; }} "
        "location /b { proxy_pass http://app; include conf.d/*.conf; } } }"
    )
    plan = planned(main, more={"shared": "proxy_read_timeout 5s;\n"}, proxy_read_timeout="9s")
    assert [(change.path, change.after) for change in plan.changes] == [
        ("/srv/ngx/conf.d/shared.conf", "proxy_read_timeout 9s;\n")
    ]


def test_retries() -> None:
    main = (
        f"http {{ {UPSTREAM} proxy_next_upstream timeout error; server {{ location / {{ proxy_pass http://app; }} }} }}"
    )
    assert planned(main, proxy_next_upstream=["error", "timeout"]).changes == ()
    text = result(main, proxy_next_upstream=["off"], proxy_next_upstream_tries=2, proxy_next_upstream_timeout="30s")
    assert text.startswith(main[:-1].replace("timeout error;", "off;").rstrip())
    assert "proxy_next_upstream_tries 2; proxy_next_upstream_timeout 30s;" in text


SERVERS = """http {
    upstream app {
        least_conn;
        server 10.1.0.1:81 max_fails=1 weight=2; # a
        server "10.1.0.2:81"   down  max_fails=3;
        server backup.example.com backup
            fail_timeout=5s;
    }
}
"""


@pytest.mark.parametrize(
    ("options", "old", "new"),
    [
        ({"servers": [{"address": "10.1.0.2:81", "state": "up"}]}, '"   down  max', '"  max'),
        ({"servers": [{"address": "10.1.0.1:81", "state": "down"}]}, "weight=2;", "weight=2 down;"),
        ({"servers": [{"address": "10.1.0.1:81", "state": "up"}]}, "", ""),
        ({"servers": [{"address": "10.1.0.2:81", "state": "down"}]}, "", ""),
        ({"servers": [{"address": "backup.example.com:80", "fail_timeout": "5000ms"}]}, "", ""),
        ({"servers": [{"address": "backup.example.com", "fail_timeout": "6s"}]}, "fail_timeout=5s", "fail_timeout=6s"),
        ({"servers": [{"address": "10.1.0.1:81", "max_fails": 0}]}, "max_fails=1", "max_fails=0"),
        (
            {"keepalive": 8, "keepalive_timeout": "5s"},
            "5s;\n    }",
            "5s;\n        keepalive 8;\n        keepalive_timeout 5s;\n    }",
        ),
    ],
)
def test_servers(options: dict[str, Any], old: str, new: str) -> None:
    text = result(SERVERS, upstreams=[{"name": "app", **options}])
    # What a line is put behind of begins it, so the indent is that of the server's first line.
    assert text == (SERVERS.replace(old, new) if old else SERVERS)


def test_every_server_gets_the_upstreams_value_but_for_its_own() -> None:
    text = result(
        SERVERS, upstreams=[{"name": "app", "max_fails": 7, "servers": [{"address": "10.1.0.1:81", "max_fails": 4}]}]
    )
    assert re.findall(r"max_fails=(\d)", text) == ["4", "7", "7"]


def test_a_diff_shows_directives_and_no_secret_beside_them() -> None:
    inner = "location / { proxy_pass http://app; proxy_set_header A s3cret; } proxy_read_timeout 1;"
    main = f"http {{ {UPSTREAM} server {{ {inner} }} }}"
    (change,) = planned(main, proxy_read_timeout="9s", upstreams=[{"name": "app", "max_fails": 2}]).changes
    assert change.shown_before.splitlines() == ["server 10.1.0.1:81;", "server 10.1.0.2:81;", "proxy_read_timeout 1;"]
    assert change.shown_after.splitlines() == [
        "server 10.1.0.1:81 max_fails=2;",
        "server 10.1.0.2:81 max_fails=2;",
        "proxy_read_timeout 9s;",
    ]


HTTP = (
    f"http {{\n    {UPSTREAM}\n"
    "    server { server_name x; location /in { proxy_pass http://app; proxy_read_timeout 3; } }\n}\n"
)


def test_a_snippet_is_included_and_what_hides_it_is_told() -> None:
    plan = planned(HTTP, placement="snippet", proxy_read_timeout="9s", proxy_send_timeout="8s")
    assert [change.path for change in plan.changes] == [SNIPPET, MAIN]
    assert _lines(plan.changes[0].after)[1:] == ["proxy_send_timeout 8s;", "proxy_read_timeout 9s;"]
    assert plan.changes[1].after == HTTP.replace("\n}\n", f"\n    include {SNIPPET};\n}}\n")
    assert [tuple(shadow) for shadow in plan.shadowed] == [
        ("proxy_read_timeout", MAIN, 3, "server x > location /in", "3"),
    ]


def test_a_snippet_that_a_pattern_finds_needs_no_line() -> None:
    main = HTTP.replace("\n}\n", "\n    include conf.d/*.conf;\n}\n")
    assert [change.path for change in planned(main, placement="snippet", proxy_send_timeout="8s").changes] == [SNIPPET]


def test_what_an_earlier_run_put_into_the_snippet_stays() -> None:
    main = HTTP.replace("\n}\n", "\n    include conf.d/*.conf;\n}\n")
    first = planned(main, placement="snippet", proxy_send_timeout="8s").changes[0].after
    second = planned(main, snippet=first, placement="snippet", proxy_connect_timeout="2s", log=True).changes[0].after
    third = planned(main, snippet=second, log=False).changes[0].after
    assert _lines(third)[1:] == ["proxy_connect_timeout 2s;", "proxy_send_timeout 8s;"]
    assert f"access_log /var/log/up.log {nginx_snippet.FORMAT};" in second
    assert "access_log /var/log/nginx/access.log combined;" in second, (
        "nginx's own log would end with the first other one"
    )
    assert planned(main, snippet=second, log=True).changes == ()
    for name in ("addr", "connect_time", "header_time", "response_time", "status"):
        assert f"$upstream_{name}" in second


def test_the_log_leaves_the_logs_of_http_alone() -> None:
    main = HTTP.replace("http {\n", "http {\n    access_log /a combined;\n    include conf.d/*.conf;\n")
    text = planned(main, log=True).changes[0].after
    assert "combined" not in text


@pytest.mark.parametrize(
    ("main", "options", "reason"),
    [
        (HTTP, {"proxy_read_timeout": "0s"}, "gives up at once"),
        (HTTP, {"proxy_read_timeout": "5s; root /"}, "is no time of nginx"),
        (HTTP, {"proxy_next_upstream": ["off", "error"]}, "off goes with nothing else"),
        (HTTP, {"proxy_next_upstream": ["errors"]}, "is not one of"),
        (HTTP, {"proxy_next_upstream_tries": -1}, "below 0"),
        (HTTP, {"upstreams": [{"name": "app", "servers": [{"address": "a;b"}]}]}, "this is no address"),
        (HTTP, {"upstreams": [{"name": "app", "keepalive": 0}]}, "takes no keepalive 0"),
        (HTTP, {"upstreams": [{"name": "none"}]}, "there is no upstream none in http here"),
        (HTTP, {"only": ["none"], "proxy_read_timeout": "5s"}, "nothing is proxied to none"),
        ("events { }", {"log": True}, "has no http block"),
        (HTTP + "}", {"proxy_read_timeout": "5s"}, 'line 5: unexpected "}"'),
        (HTTP, {"log": True, "snippet": "server { }"}, "is not of this role"),
    ],
)
def test_what_cannot_be_done(main: str, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        planned(main, **options)
