"""A storage that speaks as much of S3 as a client needs to put, fetch and delete files, in one piece or in many.

Written from AWS's documentation of the REST API. It wants a signature of its access key, and does not check it.
"""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree

ACCESS_KEY, BUCKET = "backup-robot", "backups"


class S3:
    """`objects` are the bytes by their keys; `fails` answers so many requests with 503 first.

    Where it `cuts` the connection ends half-way through what is fetched.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.parts: dict[tuple[str, int], bytes] = {}
        self.fails = 0
        self.refuses = self.cuts = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(s3: S3) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            key, asked, body = self._begin()
            if key is None:
                return
            if "partNumber" in asked:
                s3.parts[asked["uploadId"][0], int(asked["partNumber"][0])] = body
            else:
                s3.objects[key] = body
            self._say(200, headers={"ETag": f'"{hashlib.md5(body).hexdigest()}"'})

        def do_POST(self) -> None:
            key, asked, body = self._begin()
            if key is None:
                return
            if "uploads" in asked:
                self._say(200, f"<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{key}</Key>"
                               f"<UploadId>up-{key}</UploadId></InitiateMultipartUploadResult>")  # fmt: skip
                return
            upload = asked["uploadId"][0]
            numbers = [
                int(part.text or 0) for part in ElementTree.fromstring(body).iter() if part.tag.endswith("PartNumber")
            ]
            s3.objects[key] = b"".join(s3.parts.pop((upload, number)) for number in numbers)
            self._say(200, f"<CompleteMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{key}</Key>"
                           '<ETag>"whole"</ETag></CompleteMultipartUploadResult>')  # fmt: skip

        def do_GET(self) -> None:
            key, _asked, _ = self._begin()
            if key is None:
                return
            if key not in s3.objects:
                self._say(404, f"<Error><Code>NoSuchKey</Code><Key>{key}</Key></Error>")
                return
            self._say(200, s3.objects[key], {"ETag": '"whole"', "Last-Modified": "Mon, 23 Nov 2026 00:00:00 GMT"})

        do_HEAD = do_GET

        def do_DELETE(self) -> None:
            key, _asked, _ = self._begin()
            if key is not None:
                s3.objects.pop(key, None)
                self._say(204)

        def _begin(self) -> tuple[str | None, dict[str, list[str]], bytes]:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("x-amz-content-sha256", "").startswith("STREAMING"):
                raise AssertionError("this double takes no chunked signatures")
            if s3.fails:
                s3.fails -= 1
                self._say(503, "<Error><Code>SlowDown</Code></Error>")
                return None, {}, b""
            if s3.refuses or f"Credential={ACCESS_KEY}/" not in self.headers.get("Authorization", ""):
                self._say(403, "<Error><Code>AccessDenied</Code></Error>")
                return None, {}, b""
            bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
            if bucket != BUCKET:
                self._say(404, "<Error><Code>NoSuchBucket</Code></Error>")
                return None, {}, b""
            return key, parse_qs(parts.query, keep_blank_values=True), body

        def _say(self, status: int, words: str | bytes = b"", headers: dict[str, str] | None = None) -> None:
            body = words.encode() if isinstance(words, str) else words
            self.send_response(status)
            for name, value in {"Content-Type": "application/xml", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if s3.cuts else body)
            self.close_connection = s3.cuts

        def log_message(self, *_: object) -> None: ...

    return Handler
