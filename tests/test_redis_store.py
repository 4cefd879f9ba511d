"""The contract of all stores, kept by the Redis store on both servers in all its modes."""

import pytest

from tests import servers
from tests.store_contract import Rig, StoreContract
from transcoders.sessions.stores.redis import connect


class TestRedisStore(StoreContract):
    """The contract, blocking and under asyncio, over RESP 2 and 3."""

    @pytest.fixture(
        params=["valkey blocking 2", "valkey asyncio 3", "redis blocking 3", "redis asyncio 2"], ids="{}".format
    )
    def rig(self, request):
        """A port to the shared server."""
        kind, mode, protocol = request.param.split()
        port = connect(servers.shared(kind).url(protocol=protocol), asynchronous=mode == "asyncio")
        rig = Rig(port, asynchronous=mode == "asyncio", renew=port.renew)
        yield rig
        rig.close()
