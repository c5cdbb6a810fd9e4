"""A Hub on the loopback, as far as huggingface_hub, `lethe pull` and `lethe push` speak to one: a repository, and a
storage host for large files, to which the Hub redirects."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import pathlib
import threading
import urllib.parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub:
    """Serves the files of a folder as org/model; without a folder there is no repository yet. `asked` lists the requests
    as (host, method, path, headers), `posted` the bodies of those that change something as (path, text)."""

    def __init__(self, folder: pathlib.Path | None, large: tuple[str, ...] = (".safetensors", ".bin"), part: int = 0):
        self.exists = folder is not None
        paths = sorted(folder.iterdir()) if folder else []
        self.files = {path.name: path.read_bytes() for path in paths if path.is_file()}
        self.large = large
        self.part = part  # bytes of a part of an uploaded file; 0: whole
        self.commit = COMMIT
        self.private = False
        self.objects: dict[str, bytes] = {}  # uploaded, by SHA-256
        self.parts: dict[str, bytes] = {}
        self.posted: list[tuple[str, str]] = []
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

            def do_POST(self):
                hub.asked.append((host, self.command, self.path, dict(self.headers)))
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, answer = hub._write(host, self.path.split("?")[0], body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_PUT = do_POST

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def _write(self, host, path, body):
        if host == "storage":
            key = path.removeprefix("/upload/")
            self.parts[key] = body
            if "/" not in key:
                self._keep(key, body)
            return 200, {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}, b""
        self.posted.append((path, body.decode()))
        if path.endswith("/commit/main"):
            return self._commit([json.loads(line) for line in body.splitlines()])
        asked = json.loads(body)
        if path == "/api/repos/create":
            if self.exists:
                return 409, {}, b"{}"
            self.exists = True
            self.private = asked.get("visibility") == "private"
            self.files = {".gitattributes": b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"}
            return self._json({"url": f"{self.url}/org/model"})
        if path == "/api/validate-yaml":
            return self._json({"errors": [], "warnings": []})
        if path.endswith("/preupload/main"):
            modes = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(self.large) else "regular",
                    "shouldIgnore": False,
                }
                for file in asked["files"]
            ]
            return self._json({"files": modes})
        if path.endswith(".git/info/lfs/objects/batch"):
            return self._json({"transfer": "basic", "objects": [self._upload_of(one) for one in asked["objects"]]})
        if path.startswith("/complete/"):
            oid = path.removeprefix("/complete/")
            assert asked["oid"] == oid and [part["partNumber"] for part in asked["parts"]] == list(
                range(1, len(asked["parts"]) + 1)
            )
            whole = [self.parts[f"{oid}/{part['partNumber']}"] for part in asked["parts"]]
            for part, content in zip(asked["parts"], whole):
                assert part["etag"] == f'"{hashlib.md5(content).hexdigest()}"'
            self._keep(oid, b"".join(whole))
            return self._json({"success": True})
        if path.startswith("/verify/"):
            return (200 if asked["oid"] in self.objects else 404), {}, b"{}"
        return 404, {"X-Error-Code": "RepoNotFound"}, b""

    def _json(self, value):
        return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()

    def _keep(self, oid, content):
        assert hashlib.sha256(content).hexdigest() == oid
        self.objects[oid] = content

    def _upload_of(self, asked):
        oid, size = asked["oid"], asked["size"]
        answer = {"oid": oid, "size": size}
        if oid in self.objects:
            return answer
        storage = f"http://127.0.0.1:{self._storage.server_port}/upload/{oid}"
        upload = {"href": storage}
        if self.part and size > self.part:
            header = {str(i + 1): f"{storage}/{i + 1}" for i in range(-(-size // self.part))}
            upload = {"href": f"{self.url}/complete/{oid}", "header": {"chunk_size": str(self.part), **header}}
        answer["actions"] = {"upload": upload, "verify": {"href": f"{self.url}/verify/{oid}"}}
        return answer

    def _commit(self, lines):
        assert lines[0]["key"] == "header" and lines[0]["value"].get("parentCommit", self.commit) == self.commit
        for line in lines[1:]:
            value = line["value"]
            content = self.objects[value["oid"]] if line["key"] == "lfsFile" else base64.b64decode(value["content"])
            self.files[value["path"]] = content
        self.commit = hashlib.sha1(self.commit.encode()).hexdigest()
        return self._json({"commitOid": self.commit, "commitUrl": f"{self.url}/org/model/commit/{self.commit}"})

    def _from_hub(self, url):
        parts = [urllib.parse.unquote(part) for part in url.path.strip("/").split("/")]
        if not self.exists:
            return 404, {"X-Error-Code": "RepoNotFound"}, b""
        if parts[:4] == ["api", "models", "org", "model"] and parts[4] == "revision":
            siblings = []
            for name, content in self.files.items():
                entry = {"rfilename": name, "size": len(content), "blobId": "a" * 40}
                if name.endswith(self.large):
                    entry["lfs"] = {"sha256": self.hash_of(name), "size": len(content), "pointerSize": 134}
                else:
                    entry["blobId"] = self.hash_of(name)
                siblings.append(entry)
            info = {"id": "org/model", "modelId": "org/model", "sha": self.commit, "siblings": siblings, "tags": []}
            info["private"] = self.private
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
            headers = {"X-Repo-Commit": self.commit, "ETag": f'"{self.hash_of(name)}"'}
            if not name.endswith(self.large):
                return 200, headers, self.files[name]
            headers["X-Linked-Etag"] = headers["ETag"]
            headers["X-Linked-Size"] = str(len(self.files[name]))
            headers["Location"] = f"http://127.0.0.1:{self._storage.server_port}/{name}?signed=1"
            return 302, headers, b""
        return 404, {"X-Error-Code": "RepoNotFound"}, b""

    def _from_storage(self, url):
        return 200, {}, self.files[url.path.strip("/")]
