"""Shrinking: the same failure from fewer, plainer bytes."""

from collections.abc import Callable


def shrunk(data: bytes, fails: Callable[[bytes], bool], tries: int) -> bytes:
    """The shortest input found within so many tries that still fails: pieces left out, halves first, then zeroed."""
    for replacement in (b"", b"0"):
        size = len(data)
        while size:
            start = 0
            while start < len(data):
                if tries == 0:
                    return data
                piece = data[start : start + size]
                shorter = data[:start] + replacement * len(piece) + data[start + size :]
                tries -= 1
                if shorter != data and fails(shorter):
                    data = shorter
                    start += len(replacement) * size
                else:
                    start += size
            size //= 2
    return data
