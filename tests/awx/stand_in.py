# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what is posted to it, in the shapes of AWX's REST API (version 24), so that the modules of awx.awx can be run.

It is no AWX: it checks no value, starts no job and knows no rights. What it shows is that the playbook asks for what
the modules know, in an order in which each thing is there when it is named, and that a second run finds all as it was.
It refuses what it does not know, so that a request to a place that is not modelled fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Item = dict[str, Any]

API = "/api/v2/"
#: Collection -> type of its items.
KINDS = {
    "organizations": "organization",
    "execution_environments": "execution_environment",
    "projects": "project",
    "project_updates": "project_update",
    "credential_types": "credential_type",
    "credentials": "credential",
    "inventories": "inventory",
    "teams": "team",
    "notification_templates": "notification_template",
    "job_templates": "job_template",
    "workflow_job_templates": "workflow_job_template",
    "workflow_job_template_nodes": "workflow_job_template_node",
    "workflow_approval_templates": "workflow_approval_template",
    "schedules": "schedule",
}
UNIFIED = ("job_templates", "workflow_job_templates", "projects", "workflow_approval_templates")
TOLD = ("notification_templates_started", "notification_templates_success", "notification_templates_error")
ASSOCIATIONS = {
    "projects": TOLD,
    "job_templates": ("credentials", *TOLD),
    "workflow_job_templates": (*TOLD, "notification_templates_approvals"),
    "workflow_job_template_nodes": ("success_nodes", "always_nodes", "failure_nodes", "credentials"),
    "roles": ("teams", "users"),
}
ROLES = {"job_templates": ("execute", "admin", "read"), "workflow_job_templates": ("execute", "approval", "read")}


class RefusedError(Exception):
    """The status and the text of an answer that is no success."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class StandIn:
    """Everything that was created, by its path; ``writes`` are the requests that were to change something."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self.associated: dict[str, list[int]] = {}
        self.surveys: dict[str, Any] = {}
        self.writes: list[str] = []
        self._number = 0

    def of_kind(self, *collections: str) -> list[Item]:
        """All items of these collections."""
        return [item for path, item in self.items.items() if path.split("/")[0] in collections]

    def create(self, collection: str, fields: Item) -> Item:
        """A new item with what AWX adds to it."""
        self._number += 1
        path = f"{collection}/{self._number}"
        url = f"{API}{path}/"
        item = {
            **fields,
            "id": self._number,
            "type": KINDS[collection],
            "url": url,
            "related": {},
            "summary_fields": {},
        }
        if collection in ("job_templates", "workflow_job_templates"):
            item["related"]["survey_spec"] = f"{url}survey_spec/"
            item["summary_fields"]["object_roles"] = {f"{role}_role": self._role() for role in ROLES[collection]}
        if collection == "projects":
            update = self.create("project_updates", {"status": "successful"})
            item["summary_fields"]["current_update"] = {"id": update["id"]}
            item["scm_revision"] = ""
        self.items[path] = item
        self._link(item)
        return item

    def _role(self) -> Item:
        self._number += 1
        return {"id": self._number}

    def _link(self, item: Item) -> None:
        """A node leads to the template that it starts."""
        number = item.get("unified_job_template")
        for target in self.of_kind(*UNIFIED):
            if target["id"] == number:
                item["related"]["unified_job_template"] = target["url"]

    def answer(self, method: str, path: str, query: dict[str, str], data: Item) -> tuple[int, Any]:
        """Status and body. Raises RefusedError."""
        parts = path.removeprefix(API).strip("/").split("/")
        if method != "GET":
            self.writes.append(f"{method} {path}")
        if len(parts) == 1:
            return self._collection(method, parts[0], query, data)
        if len(parts) == 2:
            return self._item(method, "/".join(parts), data)
        return self._part_of_item(method, parts, data)

    def _collection(self, method: str, name: str, query: dict[str, str], data: Item) -> tuple[int, Any]:
        if method == "POST" and name in KINDS:
            return 201, self.create(name, data)
        if method != "GET" or name not in (*KINDS, "unified_job_templates"):
            raise RefusedError(404, f"{method} {name} is not known here")
        found = self.of_kind(*(UNIFIED if name == "unified_job_templates" else (name,)))
        return 200, _listed([item for item in found if _matches(item, query)])

    def _item(self, method: str, path: str, data: Item) -> tuple[int, Any]:
        if path not in self.items:
            raise RefusedError(404, f"there is no {path}")
        if method == "PATCH":
            self.items[path] = {**self.items[path], **data}
            self._link(self.items[path])
        return 200, self.items[path]

    def _part_of_item(self, method: str, parts: list[str], data: Item) -> tuple[int, Any]:
        collection, part = parts[0], parts[2]
        path = "/".join(parts[:2])
        if part == "survey_spec":
            if method == "POST":
                self.surveys[path] = data
            return 200, self.surveys.get(path, {})
        if part == "create_approval_template" and method == "POST":
            approval = self.create("workflow_approval_templates", data)
            self._item("PATCH", path, {"unified_job_template": approval["id"]})
            return 201, approval
        if part not in ASSOCIATIONS.get(collection, ()):
            raise RefusedError(404, f"{collection} have no {part} here")
        return self._association(method, "/".join(parts), data)

    def _association(self, method: str, path: str, data: Item) -> tuple[int, Any]:
        numbers = self.associated.setdefault(path, [])
        if method == "GET":
            return 200, _listed([{"id": number} for number in numbers])
        (numbers.remove if data.get("disassociate") else numbers.append)(data["id"])
        return 204, None


def _listed(results: list[Item]) -> Item:
    return {"count": len(results), "next": None, "results": results}


def _matches(item: Item, query: dict[str, str]) -> bool:
    exact = {name: value for name, value in query.items() if not name.startswith("or__")}
    return all(str(item.get(name)) == value for name, value in exact.items())


@contextmanager
def serving(awx: StandIn) -> Iterator[str]:
    """The address at which it answers, one request at a time, to whoever has the token ``made-up``."""
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            if self.headers.get("Authorization") != "Bearer made-up":
                self._send(401, b"{}")
                return
            address = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                with lock:
                    query = dict(parse_qsl(address.query))
                    status, answer = awx.answer(self.command, address.path, query, json.loads(body or b"{}"))
            except RefusedError as refusal:
                status, answer = refusal.status, {"detail": str(refusal)}
            self._send(status, b"" if answer is None else json.dumps(answer).encode())

        def _send(self, status: int, text: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = _reply  # noqa: N815 - their names

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
