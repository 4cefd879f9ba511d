"""The store in memory: the contract, its bounds, and that it is not larger than what lives in it."""

import pytest

from tests.clock import VirtualClock
from tests.store_contract import Rig, StoreContract
from transcoders.sessions.runtime import Blocking, InPlace, Threaded
from transcoders.sessions.stores.memory import MemoryStore


class TestMemory(StoreContract):
    """The contract, in the caller's thread, in place under asyncio, and through threads."""

    @pytest.fixture(params=[Blocking, InPlace, Threaded])
    def rig(self, request):
        """A port to a new store."""
        clock = VirtualClock()
        rig = Rig(
            request.param(MemoryStore(clock=clock), clock), asynchronous=request.param is not Blocking, clock=clock
        )
        yield rig
        rig.close()
