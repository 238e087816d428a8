"""A stand-in for Metaflow's metadata service, in memory: for development and tests only.

Metaflow's own service is not on the package index and wants a PostgreSQL server. This one answers
what Metaflow's `service` provider asks, for runs and tasks whose ids are text, and forgets
everything when it ends.

    python -m THIS_MODULE HOST PORT
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

#: The release of the real service whose answers these are.
VERSION = "2.5.0"

#: What lies in what, as addresses name it, and the name of each one's id.
_LEVELS = (
    ("flows", "flow_id"),
    ("runs", "run_number"),
    ("steps", "step_name"),
    ("tasks", "task_id"),
)

_Record = dict[str, Any]
_Answer = tuple[int, Any]


class Records:
    """All that has been said of flows, runs, steps and tasks, by their ids."""

    def __init__(self) -> None:
        self._alone = threading.Lock()
        self._known: dict[tuple[str, ...], _Record] = {}
        self._metadata: dict[tuple[str, ...], list[_Record]] = {}
        self._artifacts: dict[tuple[str, ...], list[_Record]] = {}

    def get(self, ids: tuple[str, ...], rest: list[str], query: dict[str, list[str]]) -> _Answer:
        """Answer a question about the object of these ids."""
        with self._alone:
            if not rest:
                return (200, self._known[ids]) if ids in self._known else (404, "unknown")
            if rest == ["metadata"]:
                return 200, self._metadata.get(ids, [])
            if rest[0] == "artifacts" and len(rest) == 1:
                return 200, self._of_attempt(ids, None)
            if rest[0] == "artifacts":
                wanted = int(rest[3]) if len(rest) == 4 else None
                found = [one for one in self._of_attempt(ids, wanted) if one["name"] == rest[1]]
                return (200, found[0]) if found else (404, "unknown")
            if rest[0] == "attempt" and rest[2:] == ["artifacts"]:
                return 200, self._of_attempt(ids, int(rest[1]))
            if rest == ["filtered_tasks"]:
                return 200, self._filtered(ids, query)
            if len(ids) < len(_LEVELS) and rest == [_LEVELS[len(ids)][0]]:
                return 200, [
                    record
                    for key, record in self._known.items()
                    if len(key) == len(ids) + 1 and key[:-1] == ids
                ]
            return 404, "unknown"

    def post(self, ids: tuple[str, ...], rest: list[str], body: Any) -> _Answer:
        """Take note of something about the object of these ids."""
        with self._alone:
            if rest == ["metadata"]:
                notes = self._metadata.setdefault(ids, [])
                notes += [{**one, "id": len(notes) + i} for i, one in enumerate(body)]
                return 200, {}
            if rest == ["artifact"]:
                self._artifacts.setdefault(ids, []).extend(body)
                return 200, {}
            if rest == ["heartbeat"]:
                return 200, {"wait_time_in_seconds": 10}
            key = self._key(ids, rest, body)
            if key in self._known:
                return 409, "it is there already"
            self._known[key] = {"ts_epoch": int(time.time() * 1000), **body, **_ids(key)}
            return 200, self._known[key]

    def change_tags(self, ids: tuple[str, ...], body: _Record) -> _Answer:
        """Change the user's tags of a run."""
        with self._alone:
            record = self._known[ids]
            tags = (set(record["tags"]) - set(body["tags_to_remove"])) | set(body["tags_to_add"])
            record["tags"] = sorted(tags)
            return 200, {"tags": record["tags"]}

    def _key(self, ids: tuple[str, ...], rest: list[str], body: _Record) -> tuple[str, ...]:
        """The ids of a new object; a new number where the client leaves that to the service."""
        if not rest or rest == ["step"]:
            return ids
        given = body.get("run_number" if rest == ["run"] else "task_id")
        return (*ids, str(given) if given is not None else str(len(self._known) + 1))

    def _of_attempt(self, ids: tuple[str, ...], attempt: int | None) -> list[_Record]:
        every = self._artifacts.get(ids, [])
        if attempt is None:
            attempt = max((one["attempt_id"] for one in every), default=0)
        newest = {one["name"]: one for one in every if one["attempt_id"] == attempt}
        return [{**one, "ts_epoch": one.get("ts_epoch", 0)} for one in newest.values()]

    def _filtered(self, ids: tuple[str, ...], query: dict[str, list[str]]) -> list[str]:
        (field,), (pattern,) = query.get("metadata_field_name", [""]), query.get("pattern", [""])
        return [
            "/".join(key)
            for key in self._known
            if len(key) == len(_LEVELS)
            and key[: len(ids)] == ids
            and (not pattern or any(_says(note, field, pattern) for note in self._metadata[key]))
        ]


def _says(note: _Record, field: str, pattern: str) -> bool:
    return note["field_name"] == field and re.search(pattern, str(note["value"])) is not None


def _ids(key: tuple[str, ...]) -> dict[str, str]:
    return {name: value for (_, name), value in zip(_LEVELS, key, strict=False)}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    records = Records()

    def do_GET(self) -> None:
        ids, rest, query = self._address()
        if rest == ["ping"]:
            self._answer((200, "pong"))
        else:
            self._answer(self.records.get(ids, rest, query))

    def do_POST(self) -> None:
        ids, rest, _ = self._address()
        self._answer(self.records.post(ids, rest, self._body()))

    def do_PATCH(self) -> None:
        ids, _, _ = self._address()
        self._answer(self.records.change_tags(ids, self._body()))

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""

    def _address(self) -> tuple[tuple[str, ...], list[str], dict[str, list[str]]]:
        """The ids of an object, what is asked of it, and how."""
        parts = urlsplit(self.path)
        rest, ids = [unquote(part) for part in parts.path.split("/") if part], []
        for word, _ in _LEVELS:
            if len(rest) < 2 or rest[0] != word:
                break
            ids.append(rest[1])
            del rest[:2]
        return tuple(ids), rest, parse_qs(parts.query)

    def _body(self) -> Any:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return json.loads(content or b"{}")

    def _answer(self, answer: _Answer) -> None:
        code, value = answer
        content = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("METADATA_SERVICE_VERSION", VERSION)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    """Answer on an address, for ever."""
    host, port = sys.argv[1:]
    ThreadingHTTPServer((host, int(port)), _Handler).serve_forever()


if __name__ == "__main__":
    main()
