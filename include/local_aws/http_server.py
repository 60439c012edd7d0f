"""The HTTP server: threads, HTTP/1.1 keep-alive, quiet, and gone at once when closed."""

import errno
import logging
import socket
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

_LOG = logging.getLogger(__name__)
_BACKLOG = 128


class PortTakenError(OSError):
    """Another program listens on the port."""


class _Handler(MotoRequestHandler):
    """Answers in one write, keeping the connection, which werkzeug's own closes after each request."""

    protocol_version = "HTTP/1.1"
    timeout = 75  # an idle connection ends, as AWS's do
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Answer one request. The front reads each body whole, so the next request begins where it should."""
        self.environ = self.make_environ()
        answered: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            answered.append((status, headers))

        body = b"".join(self.server.app(self.environ, start_response))
        status, headers = answered[-1]
        code, _, phrase = status.partition(" ")
        names = {name.lower() for name, _ in headers}
        if "content-length" not in names and code not in ("204", "304"):
            headers = [*headers, ("Content-Length", str(len(body)))]
        if self.close_connection:
            headers = [*headers, ("Connection", "close")]
        fixed = [("Server", "local-aws"), ("Date", self.date_time_string())]
        lines = [
            f"{self.protocol_version} {code} {phrase}",
            *(f"{name}: {value}" for name, value in fixed + headers),
        ]
        head = "\r\n".join(lines) + "\r\n\r\n"
        self.wfile.write(head.encode("latin-1") + (b"" if self.command == "HEAD" else body))

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: one line a call hides the lines that matter."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: ARG002 - werkzeug's signature
        """Keep the server's own messages to the log."""
        _LOG.debug(message, *args)


class HttpServer(ThreadedWSGIServer):
    """A server on a socket of its own that can end its open connections."""

    daemon_threads = True

    def __init__(self, host: str, port: int, app: Any) -> None:
        listener = _listen(host, port)
        self._open: set[socket.socket] = set()
        super().__init__(host, listener.getsockname()[1], app, _Handler, fd=listener.fileno())
        listener.close()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection and remember it."""
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that ends."""
        self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Wake the threads that wait for a kept-alive client's next request."""
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError as error:
                _LOG.debug("a connection had ended already: %s", error)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        text = f"port {port} on {host} is taken; free it or choose another with LOCAL_AWS_PORT"
        raise PortTakenError(errno.EADDRINUSE, text) from error
