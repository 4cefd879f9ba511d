"""Stores: where sessions are. One module or package a database; siblings never import each other."""


def wrote(stored: bytes, data: bytes) -> bool:
    """Whether the write that made `data` is among the last writes of the stored record: an earlier try had saved it.

    A record names its writes: its own at 8 to 11, and as many earlier ones as the high half of byte 12 says, from 29
    on, behind as many bytes as the low half says.
    """
    write, shape = data[8:12], stored[12] if len(stored) > 12 else 0
    begin = 29 + (shape & 15)
    ring = stored[begin : begin + 4 * (shape >> 4)]
    return stored[8:12] == write or any(ring[at : at + 4] == write for at in range(0, len(ring), 4))
