"""A Hub on the loopback, as far as huggingface_hub and `lethe pull` speak to one: a repository, and a storage host to
which the Hub redirects for large files."""

from __future__ import annotations

import hashlib
import http.server
import json
import pathlib
import threading
import urllib.parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub:
    """Serves the files of a folder as org/model. `asked` lists the requests as (host, method, path, headers)."""

    def __init__(self, folder: pathlib.Path, large: tuple[str, ...] = (".safetensors", ".bin")):
        self.files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
        self.large = large
        self.asked: list[tuple[str, str, str, dict[str, str]]] = []
        self._storage = self._serve("storage", self._from_storage)
        self._hub = self._serve("hub", self._from_hub)
        self.url = f"http://127.0.0.1:{self._hub.server_port}"

    def close(self) -> None:
        for server in (self._hub, self._storage):
            server.shutdown()
            server.server_close()

    def hash_of(self, name: str) -> str:
        content = self.files[name]
        if name.endswith(self.large):
            return hashlib.sha256(content).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    def _serve(self, host, answer):
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                hub.asked.append((host, self.command, self.path, dict(self.headers)))
                status, headers, body = answer(urllib.parse.urlsplit(self.path))
                if status == 200 and (wanted := self.headers.get("Range")):
                    begin = int(wanted.removeprefix("bytes=").partition("-")[0])
                    status, headers["Content-Range"] = 206, f"bytes {begin}-{len(body) - 1}/{len(body)}"
                    body = body[begin:]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def _from_hub(self, url):
        parts = [urllib.parse.unquote(part) for part in url.path.strip("/").split("/")]
        if parts[:4] == ["api", "models", "org", "model"] and parts[4] == "revision":
            siblings = []
            for name, content in self.files.items():
                entry = {"rfilename": name, "size": len(content), "blobId": "a" * 40}
                if name.endswith(self.large):
                    entry["lfs"] = {"sha256": self.hash_of(name), "size": len(content), "pointerSize": 134}
                else:
                    entry["blobId"] = self.hash_of(name)
                siblings.append(entry)
            info = {"id": "org/model", "modelId": "org/model", "sha": COMMIT, "siblings": siblings, "tags": []}
            return 200, {"Content-Type": "application/json"}, json.dumps(info).encode()
        if parts[:4] == ["api", "models", "org", "model"] and parts[4] == "tree":
            tree = []
            for name, content in self.files.items():
                entry = {"type": "file", "path": name, "size": len(content), "oid": "a" * 40}
                if name.endswith(self.large):
                    entry["lfs"] = {"oid": self.hash_of(name), "size": len(content), "pointerSize": 134}
                else:
                    entry["oid"] = self.hash_of(name)
                tree.append(entry)
            return 200, {"Content-Type": "application/json"}, json.dumps(tree).encode()
        if parts[:3] == ["org", "model", "resolve"] and parts[4] in self.files:
            name = parts[4]
            headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{self.hash_of(name)}"'}
            if not name.endswith(self.large):
                return 200, headers, self.files[name]
            headers["X-Linked-Etag"] = headers["ETag"]
            headers["X-Linked-Size"] = str(len(self.files[name]))
            headers["Location"] = f"http://127.0.0.1:{self._storage.server_port}/{name}?signed=1"
            return 302, headers, b""
        return 404, {"X-Error-Code": "RepoNotFound"}, b""

    def _from_storage(self, url):
        return 200, {}, self.files[url.path.strip("/")]
