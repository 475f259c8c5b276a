"""Reads a request that is written in the one way that leaves no doubt, and no other."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_HEAD_BYTES_MAX = 8 * 1024
_HEAD_END = b"\r\n\r\n"
_FIRST_LINE = re.compile(rb"POST /webhooks/([a-z0-9_]{1,40})/([A-Za-z0-9_.-]{1,64}) HTTP/1\.1\r\n")
# Whole lines of a name, a colon and a value: none folded, none without a name, nothing else.
_HEADERS = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+")
_LENGTH = re.compile(rb"[0-9]{1,7}")
# Each of them changes how a body is read, or what comes after it.
_NOT_PLAIN = frozenset(
    {b"transfer-encoding", b"content-encoding", b"expect", b"upgrade", b"trailer", b"te"}
)


class NotPlain(Exception):
    """For somebody else to read."""


class PlainHeaders(Mapping[str, str]):
    """Found whatever the case of their names."""

    def __init__(self, values: Mapping[bytes, bytes]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower().encode()].decode("utf-8", "surrogateescape")

    def __iter__(self) -> Iterator[str]:
        return (name.decode() for name in self._values)

    def __len__(self) -> int:
        return len(self._values)


class PlainRequest(NamedTuple):
    platform: str
    client_key: str
    headers: PlainHeaders
    body: bytes
    # Where the next request begins.
    end: int


def read_plain(data: bytes) -> PlainRequest | None:
    """The request at the beginning of the data; None while it is not whole. Raises NotPlain."""
    head_end = data.find(_HEAD_END, 0, _HEAD_BYTES_MAX)
    if head_end < 0:
        if len(data) >= _HEAD_BYTES_MAX:
            raise NotPlain
        return None
    first = _FIRST_LINE.match(data)
    if first is None or _HEADERS.fullmatch(data, first.end(), head_end + 2) is None:
        raise NotPlain
    lines = data[first.end() : head_end].split(b"\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip(b" \t")
    body_start = head_end + len(_HEAD_END)
    end = body_start + _length(headers, lines)
    if end > len(data):
        return None
    return PlainRequest(
        first[1].decode(), first[2].decode(), PlainHeaders(headers), data[body_start:end], end
    )


def _length(headers: Mapping[bytes, bytes], lines: list[bytes]) -> int:
    length = headers.get(b"content-length", b"")
    plain = (
        len(headers) == len(lines)
        and b"host" in headers
        and _LENGTH.fullmatch(length) is not None
        and _NOT_PLAIN.isdisjoint(headers)
        and headers.get(b"connection", b"keep-alive").lower() == b"keep-alive"
    )
    if not plain:
        raise NotPlain
    return int(length)
