"""The HTTP front: sockets in, requests out, answers back in one write.

A small reader of its own instead of `BaseHTTPRequestHandler`: header parsing there costs more than most answers here,
and dropping a request or a reply needs the socket. Nagle is off and head and body leave together, because otherwise
every reply waits 40 ms for a delayed acknowledgement.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from socketserver import StreamRequestHandler
from typing import Any

from .wire import Request, Response, as_json

MAX_BODY = 32 * 1024 * 1024
MAX_HEADERS = 200
REASONS = {int(status): status.phrase for status in HTTPStatus}
Answer = Callable[[Request], Response | None]


class BadRequest(Exception):
    """The bytes are no HTTP request; the connection cannot be kept."""


class Connection(StreamRequestHandler):
    """One client connection, kept alive between requests."""

    server: "Front"
    rbufsize = 64 * 1024
    timeout = 300
    disable_nagle_algorithm = True

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while self._serve_one():
                pass

    def _serve_one(self) -> bool:
        try:
            request = self._read()
        except BadRequest as problem:
            self._send(as_json({"error": str(problem)}, 400), close=True, head=False)
            return False
        if request is None:
            return False
        response = self.server.answer(request)
        if response is None:
            return False
        close = request.headers.get("connection", "").lower() == "close"
        self._send(response, close, head=request.method == "HEAD")
        return not close

    def _read(self) -> Request | None:
        line = self.rfile.readline(65537)
        if line in (b"\r\n", b"\n"):
            line = self.rfile.readline(65537)
        if not line:
            return None
        parts = line.decode("latin-1").split()
        if len(parts) != 3 or not parts[2].startswith("HTTP/1.") or not line.endswith(b"\n"):
            raise BadRequest("That is no HTTP/1.1 request line.")
        headers = self._read_headers()
        if parts[2] == "HTTP/1.0":
            headers["connection"] = "close"
        return Request(parts[0], _origin_form(parts[1]), headers, self._read_body(headers))

    def _read_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for _ in range(MAX_HEADERS):
            line = self.rfile.readline(65537)
            if line in (b"\r\n", b"\n", b""):
                return headers
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon:
                raise BadRequest("A header line lacks its colon.")
            headers[name.strip().lower()] = value.strip()
        raise BadRequest("Too many headers.")

    def _read_body(self, headers: dict[str, str]) -> bytes:
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._read_chunks()
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 18 or int(length) > MAX_BODY:
            raise BadRequest("The Content-Length is no number or too large.")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionResetError
        return body

    def _read_chunks(self) -> bytes:
        chunks: list[bytes] = []
        total = 0
        while True:
            try:
                size = int(self.rfile.readline(1024).split(b";")[0], 16)
            except ValueError:
                raise BadRequest("A chunk lacks its size.") from None
            total += size
            if size < 0 or total > MAX_BODY:
                raise BadRequest("The body is too large.")
            if not size:
                while self.rfile.readline(65537) not in (b"\r\n", b"\n", b""):
                    pass
                return b"".join(chunks)
            chunks.append(self.rfile.read(size))
            self.rfile.readline(8)

    def _send(self, response: Response, close: bool, head: bool) -> None:
        status = response.status
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}", f"Date: {self.server.http_date()}"]
        if response.content_type and status != 204:
            lines.append(f"Content-Type: {response.content_type}")
        if status != 204:
            lines.append(f"Content-Length: {len(response.body)}")
        lines += [f"{name}: {_one_line(value)}" for name, value in response.headers.items()]
        if close:
            lines.append("Connection: close")
        block = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        self.wfile.write(block if head or status == 204 else block + response.body)


def _one_line(value: str) -> str:
    """Keep what a client sent from breaking out of a header."""
    return value.replace("\r", " ").replace("\n", " ")


def _origin_form(target: str) -> str:
    """Reduce an absolute request target, as proxies are sent, to its path and query."""
    if not target.startswith(("http://", "https://")):
        return target
    return "/" + target.split("//", 1)[1].partition("/")[2]


class Front(ThreadingHTTPServer):
    """Listens on loopback and hands every request to `answer`; `None` from it drops the connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512
    allow_reuse_address = True

    def __init__(self, port: int, answer: Answer, http_date: Callable[[], str]) -> None:
        self.answer = answer
        self.http_date = http_date
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is part of the game, and answers guard themselves."""

    def close_all(self) -> None:
        """Stop listening and hang up on everybody."""
        self.shutdown()
        self.server_close()
        with self._guard:
            left = list(self._open)
        for connection in left:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
