"""The balancer: each request goes to the next replica, and to the one after where that cannot be reached.

A request that may have been carried out is not sent twice, unless it only asks. Replicas are told in a header which
replicas there are, so that the page can show them; its buttons are answered here, under `/demo/`, and lead back to the
page. They are for this page only: a request that another site's page sends changes nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar, Final

from transcoders.demo.crew import Crew
from transcoders.demo.page import nobody
from transcoders.errors import SpecError, TranscoderError

CONTROL: Final = "/demo/"
HEADER: Final = "X-Demo-Crew"
_BODY: Final = 1 << 16
"""Bytes of a request that are passed on at most."""
_PATIENCE: Final = 10.0
"""Seconds that a replica has for an answer."""
_HOPS: Final = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", HEADER.lower()}
"""Headers that concern one connection, or are ours to say."""
_HTML: Final = ("Content-Type", "text/html; charset=utf-8")

Headers = list[tuple[str, str]]


class Handler(BaseHTTPRequestHandler):
    """One connection of a browser."""

    protocol_version = "HTTP/1.1"
    crew: ClassVar[Crew]

    def do_GET(self) -> None:
        """Pass it on."""
        self._pass_on()

    def do_HEAD(self) -> None:
        """Pass it on."""
        self._pass_on()

    def do_POST(self) -> None:
        """Pass it on, unless it is for us."""
        if self.path.startswith(CONTROL):
            self._control()
        else:
            self._pass_on()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: the page has the history."""

    def _pass_on(self) -> None:
        body = self._read()
        if body is None:
            return
        for replica in self.crew.turn():
            connection = HTTPConnection("127.0.0.1", replica.port, timeout=_PATIENCE)
            try:
                connection.connect()
            except OSError:
                continue  # nothing was sent: the next one may have it
            try:
                answer = self._exchange(connection, body)
            except (OSError, HTTPException):
                if self.command == "POST":
                    self._answer(502, b"<p>The replica went away while it answered. <a href='/'>Back to the shop</a>")
                    return
                continue
            finally:
                connection.close()
            self._answer(*answer)
            return
        self._answer(503, nobody(self.crew.states(), shared=self.crew.shared))

    def _exchange(self, connection: HTTPConnection, body: bytes) -> tuple[int, bytes, Headers]:
        """The replica's answer; raises OSError or HTTPException when there is none."""
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOPS}
        headers[HEADER] = " ".join(f"{number}={'up' if up else 'down'}" for number, up in self.crew.states().items())
        connection.request(self.command, self.path, body or None, headers)
        answer = connection.getresponse()
        if answer.getheader("Content-Length") is None:  # replicas always say it: this one died within its headers
            raise HTTPException
        return answer.status, answer.read(), [pair for pair in answer.getheaders() if pair[0].lower() not in _HOPS]

    def _read(self) -> bytes | None:
        """The body of the request; None when it was refused."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _BODY or "Transfer-Encoding" in self.headers:
            self._answer(413, b"<p>That is more than this demo takes.", [_HTML, ("Connection", "close")])
            return None
        return self.rfile.read(int(length))

    def _control(self) -> None:
        if self._read() is None:
            return
        origin = self.headers.get("Origin")
        if origin not in {None, f"http://{self.headers.get('Host')}"}:
            self._answer(403, b"<p>Only the page of the demo itself has these buttons.")
            return
        verb, _, number = self.path.removeprefix(CONTROL).partition("/")
        verbs: dict[str, Callable[[int], None]] = {
            "stop": self.crew.stop,
            "start": self.crew.start,
            "scale": self.crew.scale,
        }
        try:
            if verb not in verbs or not number.isdecimal():
                raise SpecError("there is no such button")
            verbs[verb](int(number[:4]))
        except TranscoderError as error:
            self._answer(400, f"<p>{error}. <a href='/'>Back to the shop</a>".encode())
            return
        self._answer(303, b"", [("Location", "/")])

    def _answer(self, status: int, body: bytes, headers: Headers | None = None) -> None:
        self.send_response_only(status)
        told = [_HTML] if headers is None else headers
        for name, value in told:
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name, _ in told}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """A server with a thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing where a browser went away in the middle of something."""


@contextmanager
def balancing(crew: Crew, server: Server) -> Iterator[None]:
    """Answer the requests of that server with the replicas of the crew, until the block ends."""
    server.RequestHandlerClass = type("Handler", (Handler,), {"crew": crew})
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def listening(port: int) -> Server:
    """A server on that port of this machine.

    Raises:
        SpecError: the port is taken.
    """
    try:
        return Server(("127.0.0.1", port), Handler)
    except OSError as error:
        raise SpecError(f"port {port} cannot be had ({error.strerror}): give another, --port {port + 1}") from None
