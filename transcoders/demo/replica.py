"""One replica of the shop, a process of its own: `python -m transcoders.demo.replica`.

It is told what to serve by a line of JSON on standard input, answers with one of its own (its port, or what is wrong),
and ends when standard input does: with whoever started it, however that ended.
"""

import json
import os
import sys
import threading
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from transcoders.demo.site import site
from transcoders.errors import TranscoderError


class Server(ThreadingMixIn, WSGIServer):
    """A server with a thread for each request."""

    daemon_threads = True
    request_queue_size = 128


class Handler(WSGIRequestHandler):
    """A request, of which nothing is printed."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the standard library's
        """Nothing: the page has the history."""


def main() -> None:
    """Serve until standard input ends."""
    told = json.loads(sys.stdin.readline())
    try:
        app = site(told["number"], told["store"], cookie=told["cookie"], shared=told["shared"])
    except TranscoderError as error:
        _say({"error": str(error)})
        return
    with make_server("127.0.0.1", 0, app, Server, Handler) as server:
        _say({"port": server.server_port})
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        os._exit(0)  # requests under way are not waited for: whoever asked has gone as well


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
