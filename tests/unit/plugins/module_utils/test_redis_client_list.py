# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``CLIENT LIST`` of several servers.

Those of Redis 7.0.15 and Valkey 8.0.1 are captured (of the latter the addresses are changed to IPv6), that of Redis 5
is the example of its documentation.
"""

from __future__ import annotations

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._redis import client_list as redis_client_list
from ansible_collections.closewait.remediation.plugins.module_utils._redis.client_list import Client
from ansible_collections.closewait.remediation.plugins.module_utils._redis.reply import RedisError

REDIS_5 = (
    "id=3 addr=10.4.0.9:52555 fd=8 name= age=855 idle=0 flags=P db=0 sub=1 psub=2 multi=-1 qbuf=0 qbuf-free=32768 "
    "obl=0 oll=0 omem=0 events=r cmd=psubscribe\n"
)
REDIS_7 = (
    "id=9 addr=127.0.0.1:49090 laddr=127.0.0.1:17600 fd=12 name= age=8 idle=8 flags=P db=0 sub=0 psub=1 ssub=0 "
    "multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=1024 rbp=0 obl=0 oll=0 omem=0 tot-mem=1824 "
    "events=r cmd=psubscribe user=default redir=-1 resp=2\n"
    "id=17 addr=127.0.0.1:35488 laddr=127.0.0.1:17600 fd=7 name= age=0 idle=0 flags=N db=0 sub=0 psub=0 ssub=0 "
    "multi=-1 qbuf=26 qbuf-free=20448 argv-mem=10 multi-mem=0 rbs=16384 rbp=16384 obl=0 oll=0 omem=0 tot-mem=37658 "
    "events=r cmd=client|list user=default redir=-1 resp=2\n"
)
VALKEY_8 = (
    "id=21 addr=[::1]:36430 laddr=[::1]:17993 fd=9 name= age=8 idle=1 flags=S db=0 sub=0 psub=0 ssub=0 multi=-1 "
    "watch=0 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=1024 rbp=0 obl=0 oll=0 omem=0 tot-mem=1920 "
    "events=r cmd=replconf user=default redir=-1 resp=2 lib-name= lib-ver= tot-net-in=331 tot-net-out=22 tot-cmds=9\n"
)
UNIX = REDIS_7.splitlines()[0].replace(
    "addr=127.0.0.1:49090 laddr=127.0.0.1:17600", "addr=/srv/m/so ck:0 laddr=/srv/m/so ck:0"
)


def test_a_server_without_users_and_without_its_own_end() -> None:
    assert redis_client_list.parse(REDIS_5) == [
        Client(3, "10.4.0.9:52555", "", 855, 0, "P", None, 3, None, "psubscribe"),
    ]


def test_redis_7() -> None:
    assert redis_client_list.parse(REDIS_7) == [
        Client(9, "127.0.0.1:49090", "", 8, 8, "P", ("127.0.0.1", 17600), 1, "default", "psubscribe"),
        Client(17, "127.0.0.1:35488", "", 0, 0, "N", ("127.0.0.1", 17600), 0, "default", "client|list"),
    ]


def test_valkey_8() -> None:
    assert redis_client_list.parse(VALKEY_8) == [
        Client(21, "[::1]:36430", "", 8, 1, "S", ("::1", 17993), 0, "default", "replconf"),
    ]


def test_the_order_of_the_fields_is_of_no_account() -> None:
    turned = " ".join(reversed(REDIS_7.splitlines()[0].split(" ")))
    assert redis_client_list.parse(turned) == redis_client_list.parse(REDIS_7)[:1]


def test_shard_subscriptions_count() -> None:
    assert redis_client_list.parse(REDIS_7.replace("ssub=0", "ssub=4"))[0].subscriptions == 5


def test_a_unix_socket_is_no_address() -> None:
    [client] = redis_client_list.parse(UNIX)
    assert client.addr == "/srv/m/so ck:0"
    assert client.end == client.server == ("/srv/m/so ck", 0)


def test_the_two_ends_of_a_client() -> None:
    assert [client.end for client in redis_client_list.parse(REDIS_5 + VALKEY_8)] == [
        ("10.4.0.9", 52555),
        ("::1", 36430),
    ]


def test_the_name_that_a_client_gave_itself() -> None:
    assert redis_client_list.parse(REDIS_5.replace("name=", "name=pool"))[0].name == "pool"


def test_nobody() -> None:
    assert redis_client_list.parse("\n") == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("NOPERM User none has no permissions to run the 'client|list' command\n", "forbidden"),
        ("NOAUTH Authentication required.\n", "auth_missing"),
        ("ERR unknown command 'CLIENT', with args beginning with: 'LIST' \n", "no_command"),
        (REDIS_7 + "-LOADING Redis is loading\n", "refused"),
        ("id=4 fd=8 name=\n", "refused"),
        ("id=3 addr=1.2.3.4:5 fd=8\n", "refused"),
    ],
)
def test_an_error_in_its_place(text: str, kind: str) -> None:
    with pytest.raises(RedisError) as caught:
        redis_client_list.parse(text)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("192.0.2.7:6379", ("192.0.2.7", 6379)),
        ("[2001:DB8::7]:6379", ("2001:db8::7", 6379)),
        ("[::ffff:192.0.2.7]:6379", ("192.0.2.7", 6379)),
        ("/run/redis.sock:0", ("/run/redis.sock", 0)),
    ],
)
def test_endpoint(text: str, end: tuple[str, int]) -> None:
    assert redis_client_list.endpoint(text) == end
