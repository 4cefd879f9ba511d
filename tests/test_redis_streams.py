"""Answers that nobody asked for, that are cut into pieces, or that are none: no session ever gets another's."""

import asyncio
import contextvars
import logging
import socket
import threading
import time
from importlib.util import find_spec
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.redis_ports import run
from transcoders.sessions.stores.redis.line import Line
from transcoders.sessions.stores.redis.pool import Connection
from transcoders.sessions.stores.redis.wire import Lost


def soon() -> float:
    """A deadline that is met."""
    return time.monotonic() + 10


@pytest.fixture
def ends():
    """A connection, and the server's end of it."""
    ours, theirs = socket.socketpair()
    connection = Connection(ours)
    yield connection, theirs
    connection.close()
    theirs.close()


def test_replies_in_pieces(ends):
    """Replies arrive byte by byte, and are whole."""
    connection, theirs = ends
    answer = b"$5\r\nhello\r\n*2\r\n:1\r\n$-1\r\n-NOSCRIPT no\r\n"
    slowly = threading.Thread(target=lambda: [theirs.sendall(answer[at : at + 1]) for at in range(len(answer))])
    slowly.start()
    hello, pair, refusal = connection.call(b"request", 3, soon())
    slowly.join()
    assert (hello, pair, refusal.code) == (b"hello", [1, None], "NOSCRIPT")
    assert connection.clean


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b":1\r\n:2\r\n", "it sent more than it was asked for"),
        (b":1\r\n:", "it sent more than it was asked for"),
        (b"HTTP/1.1 400 Bad Request\r\n", "it does not speak RESP"),
    ],
)
def test_an_answer_too_many_ends_the_connection(ends, answer, why):
    """What would be taken for the next answer is never kept."""
    connection, theirs = ends
    theirs.sendall(answer)
    with pytest.raises(Lost, match=why) as caught:
        connection.call(b"request", 1, soon())
    assert caught.value.sent


def test_a_connection_with_something_to_read_is_not_clean(ends):
    """An answer that came when nobody asked, and the end of the stream, are seen before the next use."""
    connection, theirs = ends
    assert connection.clean
    theirs.sendall(b":1\r\n")
    assert not connection.clean


def test_a_connection_that_ended_is_not_clean(ends):
    """Neither is one that the server has closed; using it all the same is an error."""
    connection, theirs = ends
    theirs.shutdown(socket.SHUT_RDWR)
    assert not connection.clean
    with pytest.raises(Lost, match=r"closed the connection|broken pipe"):
        connection.call(b"request", 1, soon())


def test_silence_ends_a_read_in_time(ends):
    """The system's limit is set anew for each deadline; the one that was set before may have been longer."""
    connection, theirs = ends
    theirs.sendall(b":1\r\n")
    assert connection.call(b"request", 1, soon()) == [1]
    began = time.monotonic()
    with pytest.raises(Lost, match="no answer in time") as caught:
        connection.call(b"request", 1, began + 0.05)
    assert caught.value.late
    assert 0.04 < time.monotonic() - began < 5


def test_a_write_that_nobody_reads_ends_in_time(ends):
    """A server that stands still is no reason to stand still."""
    connection, _ = ends
    with pytest.raises(Lost, match="no answer in time"):
        connection.call(b"x" * (8 << 20), 1, time.monotonic() + 0.05)


def test_an_answer_that_does_not_end(ends):
    """A reply that trickles ends with the deadline, not with each of its bytes."""
    connection, theirs = ends
    over = threading.Event()

    def trickle():
        theirs.sendall(b"$999\r\n")
        while not over.wait(0.01):
            theirs.sendall(b"x")

    thread = threading.Thread(target=trickle)
    thread.start()
    with pytest.raises(Lost, match="no answer in time"):
        connection.call(b"request", 1, time.monotonic() + 0.1)
    over.set()
    thread.join()


async def asked(line, seconds=10.0):
    """The replies to a request."""
    return await line.ask(b"request", 1, time.monotonic() + seconds)


def lined(body, *modes) -> None:
    """Run the body with a line and the server's end of it, under asyncio and under uvloop or in that mode."""

    async def work():
        ours, theirs = socket.socketpair()
        _, opened = await asyncio.open_connection(sock=ours)
        line = Line(opened)
        with theirs:
            await body(line, theirs)
            line.end("the test is over")
            await line.over.wait()

    for mode in modes or (("asyncio", "uvloop") if find_spec("uvloop") else ("asyncio",)):
        run(mode, work())


def test_replies_go_to_those_who_asked_in_turn():
    """Also when some of them have stopped waiting."""

    async def body(line, theirs):
        tasks = [asyncio.create_task(asked(line)) for _ in range(5)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        tasks[3].cancel("enough")
        theirs.sendall(b":0\r\n:1\r\n:2\r\n:3\r\n:4\r\n")
        assert await asyncio.gather(*tasks[::2]) == [[0], [2], [4]]
        assert tasks[1].cancelled()
        assert tasks[3].cancelled()
        assert line.usable

    lined(body)


def test_a_task_goes_on_in_its_own_context_where_its_reply_is_read():
    """It may ask again, end the line or raise there; those behind it get their replies all the same."""
    name = contextvars.ContextVar("name")

    async def body(line, theirs):
        async def one(number):
            name.set(number)
            await asked(line)
            first = name.get(), asyncio.current_task().get_name()
            return (*first, await asked(line), name.get())

        async def broken():
            await asked(line)
            raise ValueError

        tasks = [asyncio.create_task(work, name=str(at)) for at, work in enumerate((one(0), broken(), one(2)))]
        await asyncio.sleep(0)
        theirs.sendall(b":0\r\n:1\r\n:2\r\n")
        await asyncio.wait({tasks[1]})
        theirs.sendall(b":3\r\n:4\r\n")
        zero, error, two = await asyncio.gather(*tasks, return_exceptions=True)
        assert (zero, two) == ((0, "0", [3], 0), (2, "2", [4], 2))
        assert isinstance(error, ValueError)
        assert line.usable

    lined(body)


@pytest.mark.parametrize("answer", [b":1\r\n", b"HTTP/1.1 400 Bad Request\r\n"])
def test_an_answer_that_nobody_waits_for_ends_the_line(answer):
    """It would be taken for the answer to the next request."""

    async def body(line, theirs):
        theirs.sendall(answer)
        await asyncio.wait_for(line.over.wait(), 10)
        assert not line.usable

    lined(body)


def test_silence_ends_the_line_for_all():
    """The first deadline ends it, and every request behind it is told."""

    async def body(line, _):
        for lost in await asyncio.gather(*(asked(line, seconds) for seconds in (10, 0.02, 10)), return_exceptions=True):
            assert (lost.why, lost.sent) == ("no answer in time", True)

    lined(body)


def test_a_retired_line_ends_when_it_has_answered():
    """It takes nothing new, and those who wait get their answers."""

    async def body(line, theirs):
        task = asyncio.create_task(asked(line))
        await asyncio.sleep(0)
        line.retire()
        assert not line.usable
        theirs.sendall(b":1\r\n")
        assert await task == [1]
        await asyncio.wait_for(line.over.wait(), 10)

    lined(body)


def test_a_line_that_the_server_has_ended_takes_no_more(caplog):
    """Its end is known before it is lost, so that nobody writes to it, and the loop's log is silent about that."""

    async def body(line, theirs):
        task = asyncio.create_task(asked(line))
        await asyncio.sleep(0)
        theirs.shutdown(socket.SHUT_WR)
        while line.usable:  # noqa: ASYNC110 - the moment counts
            await asyncio.sleep(0)
        assert not line.over.is_set()
        with pytest.raises(Lost, match="it closed the connection") as caught:
            await task
        assert caught.value.sent

    with caplog.at_level(logging.WARNING):
        lined(body)
    assert not caplog.records


def packed(reply) -> list[bytes]:
    """A reply as a server sends it, in the pieces in which it may well arrive."""
    if isinstance(reply, list):
        return [b"*%d\r\n" % len(reply), *(piece for each in reply for piece in packed(each))]
    return [b":%d\r\n" % reply] if isinstance(reply, int) else [b"$%d\r\n" % len(reply), reply, b"\r\n"]


LARGE = b"x" * 4100
LIKE_A_REPLY = b"".join(packed(LARGE))
ONE = st.one_of(st.integers(0, 9), st.sampled_from([b"", b"small", LARGE, LIKE_A_REPLY, LIKE_A_REPLY + b"y"]))
REPLIES = st.lists(st.one_of(ONE, st.lists(ONE, max_size=3)), min_size=1, max_size=6)


async def told(line, pieces, answers) -> list[list[object]]:
    """What tasks get that want such answers, when these pieces arrive."""
    tasks = [asyncio.ensure_future(line.ask(b"request", len(answer), soon())) for answer in answers]
    await asyncio.sleep(0)
    for piece in pieces:
        asyncio.get_running_loop().call_soon(line.data_received, piece)
    return await asyncio.gather(*tasks, return_exceptions=True)


@settings(deadline=None, max_examples=60)
@given(REPLIES, st.integers(1, 3), st.data())
def test_replies_are_whole_wherever_they_are_cut(replies, count, data):
    """Also large values, which are cut out where they come alone, and values that look like replies themselves."""
    pieces = [piece for reply in replies for piece in packed(reply)]
    stream, borders = b"".join(pieces), [sum(map(len, pieces[:at])) for at in range(len(pieces))]
    anywhere = st.one_of(st.sampled_from(borders), st.integers(0, len(stream)))
    cuts = [0, *sorted(data.draw(st.just(borders) | st.lists(anywhere, max_size=6))), len(stream)]
    answers = [replies[at : at + count] for at in range(0, len(replies), count)]

    async def body(line, _):
        assert await told(line, [stream[begin:end] for begin, end in pairwise(cuts)], answers) == answers
        assert line.usable

    lined(body, "asyncio")


@pytest.mark.parametrize("pieces", [(LIKE_A_REPLY + b":", b"1\r\n"), (LIKE_A_REPLY, LIKE_A_REPLY)])
def test_a_reply_too_many_behind_a_large_one_ends_the_line(pieces):
    """Whether it comes with the one that was asked for, or later."""

    async def body(line, _):
        assert await told(line, pieces, [[LARGE]]) == [[LARGE]]
        await asyncio.wait_for(line.over.wait(), 10)

    lined(body)
