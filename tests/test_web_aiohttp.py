"""aiohttp, by the contract of all faces, over a real connection; and what it alone has."""

import asyncio
from http.client import HTTPConnection

from aiohttp import web

from tests.asking import Answer
from tests.web_contract import AsyncFace, FaceContract
from tests.web_pages import PAGES, PATIENCE
from tests.web_replica import AsyncReplica
from transcoders.web.aiohttp import SESSION, setup


class Server(AsyncReplica):
    """A process that listens on a port of this machine."""

    async def start(self):
        """Listen."""
        self._runner = web.AppRunner(self.app, max_field_size=200_000)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self):
        """Stop listening; the application is cleaned up."""
        await self._runner.cleanup()

    async def reply(self, path, cookie, method):
        """The answer, as it came over the connection."""
        return await asyncio.to_thread(self.fetch, path, cookie, method)

    def fetch(self, path, cookie, method):
        """Ask as a browser does."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, headers={"Cookie": cookie.encode("latin-1")} if cookie else {})
        response = connection.getresponse()
        answer = Answer(response.status, [(n.lower(), v) for n, v in response.getheaders()], response.read())
        connection.close()
        return answer


class Aiohttp(AsyncFace):
    """An application of aiohttp."""

    name = "aiohttp"
    replica = Server

    def application(self, manager, cookie, pages):
        """See Face."""

        async def show(request):
            page, session, value = request.match_info["page"], request[SESSION], request.query_string
            return web.Response(text=pages.show(page, session, value) if page in PAGES else "plain")

        async def slow(request):
            session, value = request[SESSION], request.query_string
            seen = pages.before(session, value)
            await asyncio.to_thread(pages.wait)
            return web.Response(text=pages.after(session, value, seen))

        async def stream(request):
            pieces, response = pages.stream(request[SESSION], request.query_string), web.StreamResponse()
            await response.prepare(request)
            for piece in pieces():
                await response.write(piece)
            return response

        app = web.Application()
        app.router.add_get("/slow", slow)
        app.router.add_get("/stream", stream)
        app.router.add_get("/{page}", show)
        setup(app, manager, cookie=cookie)
        return app


class TestAiohttp(FaceContract):
    """The contract."""

    face = Aiohttp()
