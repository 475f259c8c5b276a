"""The short way reads only what aiohttp reads in the same way."""

import asyncio
import re
from typing import Any

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.http.plain import NotPlain, PlainRequest, read_plain

REQUEST = (
    b"POST /webhooks/douyin/aw1 HTTP/1.1\r\nHost: x\r\nX-Douyin-Signature: \t abc \r\n"
    b"Content-Length: 5\r\nMsg-Id: m 1\r\n\r\nhello"
)


def plain(data: bytes) -> PlainRequest:
    request = read_plain(data)
    assert request is not None
    return request


def test_a_plain_request_is_read() -> None:
    request = plain(REQUEST + b"POST")
    assert (request.platform, request.client_key, request.body) == ("douyin", "aw1", b"hello")
    assert request.end == len(REQUEST)
    assert request.headers.get("x-douyin-SIGNATURE") == "abc"
    assert request.headers.get("msg-id") == "m 1"
    assert request.headers.get("none") is None
    assert sorted(request.headers) == ["content-length", "host", "msg-id", "x-douyin-signature"]


def test_a_request_that_is_not_whole_is_waited_for() -> None:
    assert [read_plain(REQUEST[:end]) for end in range(len(REQUEST))] == [None] * len(REQUEST)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"POST", b"GET"),
        (b"POST", b" POST"),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"HTTP/1.1\r\n", b"HTTP/1.1\n"),
        (b"/douyin/", b"/douyin/../"),
        (b"/aw1", b"/aw1?x=1"),
        (b"/aw1", b"/a%77"),
        (b"/aw1 ", b"/aw1  "),
        (b"Host: x\r\n", b""),
        (b"Host: x", b"Host : x"),
        (b"Host: x", b"Host: x\r\n folded"),
        (b"Host: x", b"Host: x\x00"),
        (b"Host: x", b"Host: x\rY: z"),
        (b"Host: x", b"Host: x\nY: z"),
        (b"Host: x", b"Host: x\r\nHost: y"),
        (b"Host: x", b"Host: x\r\n: y"),
        (b"Host: x", b"Host: x\r\nnothing"),
        (b"Host: x", b"Host: x\r\nTransfer-Encoding: chunked"),
        (b"Host: x", b"Host: x\r\ntransfer-encoding: identity"),
        (b"Host: x", b"Host: x\r\nContent-Encoding: gzip"),
        (b"Host: x", b"Host: x\r\nExpect: 100-continue"),
        (b"Host: x", b"Host: x\r\nUpgrade: websocket"),
        (b"Host: x", b"Host: x\r\nConnection: close"),
        (b"Host: x", b"Host: x\r\nConnection: keep-alive, upgrade"),
        (b"Content-Length: 5\r\n", b""),
        (b"Content-Length: 5", b"Content-Length: +5"),
        (b"Content-Length: 5", b"Content-Length: 0x5"),
        (b"Content-Length: 5", b"Content-Length: 5, 5"),
        (b"Content-Length: 5", b"Content-Length: 5\r\nContent-Length: 6"),
        (b"Content-Length: 5", b"Content-Length: \xb2"),
        (b"Content-Length: 5", b"Content-Length: 99999999"),
        (b"Msg-Id: m 1", b"Msg-Id: " + b"m" * 9000),
    ],
)
def test_whatever_leaves_a_doubt_is_left_to_aiohttp(old: bytes, new: bytes) -> None:
    with pytest.raises(NotPlain):
        read_plain(REQUEST.replace(old, new, 1))


PIECES = [
    *(b"POST", b"GET", b" ", b"/webhooks/douyin/aw1", b"/webhooks/", b"HTTP/1.1", b"HTTP/1.0"),
    *(b"\r\n", b"\n", b"\r", b":", b": ", b"\t", b"\x00", b"\x7f", b"\xff", b"", b"x", b"hello"),
    *(b"Host: x\r\n", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Content-Length:7\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Connection: keep-alive\r\n", b"A-B.c: d\r\n"),
    *(b"Msg-Id: 1\r\n", b" folded\r\n", b"\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n"),
]


LINE_STARTS = [0, *(found.end() for found in re.finditer(rb"\r\n", REQUEST))]


@settings(max_examples=1000)
@given(
    cut=st.sampled_from(LINE_STARTS) | st.integers(0, len(REQUEST)),
    pieces=st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=4),
    skip=st.just(0) | st.integers(0, 30),
)
def test_what_is_read_here_aiohttp_reads_alike(cut: int, pieces: list[bytes], skip: int) -> None:
    """Two readers of one connection that disagree are how requests are smuggled."""
    data = REQUEST[:cut] + b"".join(pieces) + REQUEST[cut + skip :]
    try:
        request = read_plain(data)
    except NotPlain:
        return
    if request is not None:
        path, headers, body = read_by_aiohttp(data[: request.end])
        assert path == f"/webhooks/{request.platform}/{request.client_key}"
        assert headers == {name: request.headers[name] for name in request.headers}
        assert body == request.body


def read_by_aiohttp(data: bytes) -> tuple[str, dict[str, str], bytes]:
    """Any: aiohttp's own types are private."""

    async def read() -> tuple[str, dict[str, str], bytes]:
        loop = asyncio.get_running_loop()
        parser: Any = HttpRequestParser(BaseProtocol(loop), loop, 2**16)
        ((message, payload),), _, rest = parser.feed_data(data)
        assert payload.is_eof()
        assert not rest
        headers = {name.lower(): value for name, value in message.headers.items()}
        return message.path, headers, payload.read_nowait() if headers["content-length"] else b""

    return asyncio.run(read())
