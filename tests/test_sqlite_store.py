"""The store in a file: the contract, several processes, and what may be wrong with a file."""

import pytest

from tests.clock import VirtualClock
from tests.store_contract import Rig, StoreContract
from transcoders.sessions.runtime import Blocking, Threaded
from transcoders.sessions.stores.sqlite import SqliteStore


class TestSqlite(StoreContract):
    """The contract, in the caller's thread and through threads under asyncio."""

    @pytest.fixture(params=[Blocking, Threaded])
    def rig(self, request, tmp_path):
        """A port to a new file."""
        clock = VirtualClock()
        store = SqliteStore(str(tmp_path / "sessions.db"), clock=clock)
        rig = Rig(request.param(store, clock), asynchronous=request.param is Threaded, clock=clock)
        yield rig
        rig.close()
