"""Serves the page of runs on this machine, and newer documents as they come."""

from __future__ import annotations

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tegnas.analysis.report.live import LiveDocument
from tegnas.analysis.report.page import page, policy
from tegnas.errors import InputError

HOST = "127.0.0.1"
# What a page of this server may be called by. Any other name is a page of somebody else's whose
# name was made to lead here (DNS rebinding).
_NAMES = {HOST, "localhost"}


class PageServer(ThreadingHTTPServer):
    """Answers requests from this machine for two things: the page, and its document.

    Args:
        live: the document.
        port: on the loopback address; 0 takes a free one.

    Raises:
        InputError: the port can't be had.
    """

    daemon_threads = True

    def __init__(self, live: LiveDocument, port: int = 0) -> None:
        self.live = live
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(
                f"port {port} can't be used ({reason}); give another by --port, or 0 for a free one"
            ) from None

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds for a request to come in

    def do_GET(self) -> None:
        """The page, or its document if that isn't the one that the page has already."""
        asked = urlsplit(self.path)
        if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in _NAMES:
            self._answer(HTTPStatus.FORBIDDEN, "this server answers to localhost only")
        elif asked.path == "/":
            paths = self.server.live.paths
            title = " · ".join(path.resolve().name for path in paths)
            self._answer(HTTPStatus.OK, page({}, title, live=True), "text/html")
        elif asked.path == "/document.json":
            tag, content = self.server.live.current()
            if parse_qs(asked.query).get("since") == [tag]:
                self._answer(HTTPStatus.NO_CONTENT)
            else:
                self._answer(HTTPStatus.OK, content, "application/json")
        else:
            self._answer(HTTPStatus.NOT_FOUND, "there is no such page")

    def _answer(self, status: HTTPStatus, text: str = "", kind: str = "text/plain") -> None:
        content = text.encode("utf-8")
        self.send_response(status)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", policy(live=True))
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the command's output is for its user."""

    def log_error(self, format: str, *args: object) -> None:
        """Nor of a browser that went away."""
