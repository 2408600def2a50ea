"""A package index on this machine: tiny wheels, served over HTTP with the simple API's JSON."""

import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

JSON = "application/vnd.pypi.simple.v1+json"


def wheel(name: str, version: str, *requires: str) -> bytes:
    """Return an empty wheel that depends on others."""
    folder = f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{folder}/METADATA", "\n".join(metadata) + "\n")
        archive.writestr(f"{folder}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{folder}/RECORD", "")
    return buffer.getvalue()


class Index:
    """What the index holds: for each project its files, for each file its bytes."""

    def __init__(self) -> None:
        self.projects: dict[str, list[dict[str, Any]]] = {}
        self.bytes: dict[str, bytes] = {}

    def add(self, name: str, version: str, day: str, *requires: str) -> str:
        """Upload a version as a wheel at noon of a day; return the file's SHA-256."""
        content = wheel(name, version, *requires)
        digest = hashlib.sha256(content).hexdigest()
        file = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        self.bytes[file] = content
        self.projects.setdefault(name, []).append(
            {
                "filename": file,
                "url": f"/files/{file}",
                "hashes": {"sha256": digest},
                "upload-time": f"{day}T12:00:00.123456Z",
            }
        )
        return digest

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Return the status, the content type and the body for a path."""
        folder, _, name = path.strip("/").rpartition("/")
        if folder == "files" and name in self.bytes:
            return 200, "application/octet-stream", self.bytes[name]
        if folder == "simple" and name in self.projects:
            page = {"meta": {"api-version": "1.1"}, "name": name, "files": self.projects[name]}
            return 200, JSON, json.dumps(page).encode()
        return 404, "text/plain", b"not here"


@contextmanager
def served(index: Index) -> Iterator[str]:
    """Serve an index; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = index.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple"
        finally:
            server.shutdown()
            thread.join()
