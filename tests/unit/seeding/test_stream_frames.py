"""The frames and messages of a backup stream."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestagent.secret import Secret
from guestagent.seeding.stream_frames import (
    DATA_LIMIT,
    HEADER,
    MESSAGE_LIMIT,
    Frame,
    FrameKind,
    build_data_frame,
    build_message,
    read_frame,
)
from guestagent.seeding.stream_messages import (
    ServerFacts,
    StreamOffer,
    StreamRequest,
    StreamTrailer,
    parse_offer,
    parse_stream_request,
    parse_trailer,
)
from guestagent.strict_json import UnreadableContent

REQUEST = StreamRequest("Replica0001", "donor0001", Secret("w\u00f6rd\n"), ("zstd",), 5)
OFFER = StreamOffer(ServerFacts("10.11.18-MariaDB", {"innodb_page_size": "16384"}), 7 << 40, 1 << 20, "zstd")
TRAILER = StreamTrailer(0, True, 10, 20, "ab" * 32, "completed OK!")


def read_all(content: bytes) -> list[Frame]:
    stream, frames = io.BytesIO(content), []
    while stream.tell() < len(content):
        frames.append(read_frame(stream.read))
    return frames


@given(st.lists(st.binary(max_size=100)))
def test_frames_keep_their_borders(chunks: list[bytes]) -> None:
    frames = read_all(b"".join(map(build_data_frame, chunks)) + build_message(FrameKind.TRAILER, {"a": 1}))

    assert [frame.payload for frame in frames[:-1]] == chunks
    assert (frames[-1].kind, frames[-1].parse()) == (FrameKind.TRAILER, {"a": 1})


@given(st.binary(min_size=HEADER.size))
def test_bytes_that_are_no_frames_are_rejected_or_read(content: bytes) -> None:
    stream = io.BytesIO(content)

    try:
        frame = read_frame(stream.read)
    except UnreadableContent:
        return

    assert frame.kind.value == content[:1]


@pytest.mark.parametrize(
    ("kind", "limit"), [(FrameKind.DATA, DATA_LIMIT), (FrameKind.OFFER, MESSAGE_LIMIT)], ids=str
)
def test_a_frame_that_is_too_long_is_rejected_before_it_is_read(kind: FrameKind, limit: int) -> None:
    stream = io.BytesIO(HEADER.pack(kind.value, limit + 1))

    with pytest.raises(UnreadableContent, match="too long"):
        read_frame(stream.read)


def test_a_request_reaches_the_donor_as_it_was_sent() -> None:
    line = REQUEST.build_line()

    assert parse_stream_request(line) == REQUEST
    assert line.count(b"\n") == 1
    assert "w\u00f6rd" not in repr(REQUEST)


@pytest.mark.parametrize("key", ["version", "node", "user", "password", "method", "rate_limit"])
def test_a_request_without_one_of_its_parts_is_rejected(key: str) -> None:
    content = json.loads(REQUEST.build_line())
    del content[key]

    with pytest.raises(UnreadableContent):
        parse_stream_request(json.dumps(content).encode())


def test_a_rejected_request_quotes_no_password() -> None:
    with pytest.raises(UnreadableContent) as failure:
        parse_stream_request(REQUEST.build_line().replace(b'"version": 1', b'"version": 2'))

    assert "rd" not in str(failure.value).replace("version", "")


def test_an_offer_and_a_trailer_reach_the_replica_as_they_were_sent() -> None:
    offer, trailer = read_all(
        build_message(FrameKind.OFFER, OFFER.as_json()) + build_message(FrameKind.TRAILER, TRAILER.as_json())
    )

    assert parse_offer(offer.parse()) == OFFER
    assert parse_trailer(trailer.parse()) == TRAILER
