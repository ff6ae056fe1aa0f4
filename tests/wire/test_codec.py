"""To and from bytes: what goes in comes out, and what is bad spoils itself and nobody else."""

from __future__ import annotations

import contextlib
import gzip
import time
import zlib

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wire.codec import (
    Request,
    WireError,
    decode_kept,
    decode_parcel,
    decode_request,
    encode_batch,
    encode_request,
    pack,
    unpack,
)
from wire.messages import (
    MAX_BATCHES,
    MAX_BODY_BYTES,
    MAX_LINE_BYTES,
    MAX_OBSERVATIONS,
    MAX_REQUEST_VALUES,
    MAX_VALUES,
    Batch,
    Envelope,
    Observation,
    Value,
)

BOOT = "0b3f4c8e-1111-2222-3333-444455556666"
EPOCH = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
ENVELOPE = Envelope(1, "01ARZ3NDEKTSV4RRFFQ69G5FAV", BOOT, 1_800_000_000_000, 5_000)


def _header(number: int = 1) -> Batch:
    return Batch(EPOCH, number, BOOT)


def _observation(i: int = 0, **changes: object) -> Observation:
    plain = Observation(
        i=i,
        probe="reach",
        subject="line:07375-1/a",
        target="collector",
        at_ms=1_800_000_000_000,
        mono_ms=4_000,
        took_ms=812,
        outcome="ok",
        values=[Value("motcua_line_rtt_seconds", 0.0125), Value("motcua_line_loss_ratio", 0.0)],
        phases={"train": 0.8},
        detail={"method": "icmp_datagram", "received": "0-4"},
    )
    return msgspec.structs.replace(plain, **changes)


def _lines(*numbers: int) -> list[bytes]:
    return [msgspec.json.encode(_observation(i)) for i in numbers]


def _changed(**changes: object) -> bytes:
    return msgspec.json.encode(_observation(1, **changes))


def _batch(lines: list[bytes], header: bytes | None = None) -> bytes:
    return b"".join(line + b"\n" for line in [header or msgspec.json.encode(_header()), *lines])


def _read(*batches: bytes) -> Request:
    return decode_request(encode_request(ENVELOPE, batches))


# --- there and back -------------------------------------------------------------------------------------------------

_text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
_word = st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True).filter(str.isascii)
_finite = st.floats(allow_nan=False, allow_infinity=False)
_scalar = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _finite | _text
_outcome = st.sampled_from([("ok", None), ("fail", "no_answer"), ("unknown", "deadline"), ("fail", "of_a_newer_agent")])


@st.composite
def _observations(draw: st.DrawFn) -> list[Observation]:
    found = []
    for i in range(draw(st.integers(0, 4))):
        outcome, reason = draw(_outcome)
        found.append(
            _observation(
                i,
                probe=draw(_word),
                subject=draw(_text),
                target=draw(_text),
                at_ms=draw(st.integers(-(2**53), 2**53)),
                mono_ms=draw(st.integers(0, 2**53)),
                outcome=outcome,
                reason=reason,
                values=draw(st.lists(st.builds(Value, _text, _finite, st.none() | _text), max_size=4)),
                phases=draw(st.dictionaries(_word, _finite, max_size=3)),
                detail=draw(st.dictionaries(_text, _scalar, max_size=4)),
                task_id=draw(st.none() | _text),
            )
        )
    return found


@given(st.lists(_observations(), min_size=1, max_size=4))
def test_what_was_encoded_is_decoded(groups: list[list[Observation]]) -> None:
    batches = [encode_batch(_header(n + 1), group) for n, group in enumerate(groups)]
    request = decode_request(unpack(pack(encode_request(ENVELOPE, batches))))
    assert request.envelope == ENVELOPE
    assert [p.header.batch for p in request.parcels] == list(range(1, len(groups) + 1))
    assert [p.observations for p in request.parcels] == groups == [decode_kept(raw) for raw in batches]
    assert [p.raw for p in request.parcels] == batches
    assert not [p for p in request.parcels if p.rejected]


def test_a_batch_is_hashed_as_it_was_spooled() -> None:
    raw = encode_batch(_header(), [_observation()])
    assert _read(raw).parcels[0].sha256 == decode_parcel(raw).sha256
    assert len(decode_parcel(raw).sha256) == 64


def test_a_batch_may_be_empty() -> None:
    assert _read(encode_batch(_header(), [])).parcels[0].observations == []


# --- a bad line and its neighbours ----------------------------------------------------------------------------------

BAD_LINES = [
    pytest.param(b"", "malformed", id="an empty line"),
    pytest.param(b"{", "malformed", id="cut short"),
    pytest.param(b"\x00\x01\x02", "malformed", id="garbage"),
    pytest.param(b'{"\xff\xfe":1}', "invalid", id="invalid UTF-8 in a key"),
    pytest.param(_lines(1)[0].replace(b"collector", b"coll\xff\xfeor"), "malformed", id="invalid UTF-8"),
    pytest.param(_lines(1)[0].replace(b"collector", b"coll\\ud800r"), "malformed", id="lone surrogate"),
    pytest.param(_lines(1)[0].replace(b"collector", b"coll\\u0000r"), "invalid", id="a NUL"),
    pytest.param(_lines(1)[0].replace(b"collector", b"coll\\u001Fr"), "invalid", id="a control character"),
    pytest.param(_lines(1)[0].replace(b"0.0125", b"NaN"), "malformed", id="NaN"),
    pytest.param(_lines(1)[0].replace(b"0.0125", b"Infinity"), "malformed", id="infinity"),
    pytest.param(_lines(1)[0].replace(b"0.0125", b"1e999"), "invalid", id="1e999"),
    pytest.param(_lines(1)[0].replace(b"0.0125", b"-1e999"), "invalid", id="-1e999"),
    pytest.param(_lines(1)[0].replace(b"0.0125", b'"0.1"'), "invalid", id="a number as text"),
    pytest.param(_lines(1)[0].replace(b"0.0125", b"null"), "invalid", id="a value of null"),
    pytest.param(_lines(1)[0].replace(b'"ok"', b'"perhaps"'), "invalid", id="unknown outcome"),
    pytest.param(_lines(1)[0].replace(b'"ok"', b'"fail"'), "no_reason", id="fail without reason"),
    pytest.param(_lines(1)[0].replace(b'"ok"', b'"ok","reason":"x"'), "no_reason", id="ok with a reason"),
    pytest.param(_lines(1)[0].replace(b'"ok"', b'"fail","reason":"X Y"'), "invalid", id="a reason that is no word"),
    pytest.param(_lines(1)[0].replace(b'"i":1', b'"i":-1'), "invalid", id="position below zero"),
    pytest.param(_lines(7)[0], "bad_position", id="another position"),
    pytest.param(b"[" * 200_000, "too_large", id="200,000 brackets"),
    pytest.param(b"[" * 60_000, "too_deep", id="60,000 brackets"),
    pytest.param(b'{"a":' * 10_000, "too_deep", id="10,000 objects"),
    pytest.param(
        _lines(1)[0][:-1] + b',"new":' + b"[" * 9 + b"]" * 9 + b"}", "too_deep", id="an unknown field too deep"
    ),
    pytest.param(_lines(1)[0] + b" " * MAX_LINE_BYTES, "too_large", id="too long"),
    pytest.param(b"[]", "invalid", id="a list"),
    pytest.param(b"null", "invalid", id="null"),
    pytest.param(b'"a"', "invalid", id="a text"),
    pytest.param(_lines(1)[0] + _lines(2)[0], "malformed", id="two on one line"),
    pytest.param(_changed(detail={f"k{n}": "x" * 200 for n in range(30)}), "too_large", id="detail of 6 kB"),
    pytest.param(_changed(detail={f"k{n}": 1 for n in range(33)}), "invalid", id="33 details"),
    pytest.param(_changed(values=[Value("m", 1.0)] * (MAX_VALUES + 1)), "invalid", id="201 values"),
    pytest.param(_changed(subject="x" * 201), "invalid", id="a subject of 201 characters"),
    pytest.param(_changed(values=[Value("m", 1.0, "x" * 201)]), "invalid", id="a label of 201 characters"),
]


@pytest.mark.parametrize(("bad", "code"), BAD_LINES)
def test_a_bad_line_is_rejected_by_its_position_and_its_neighbours_stay(bad: bytes, code: str) -> None:
    first, last = _lines(0, 2)
    parcel = _read(_batch([first, bad, last])).parcels[0]
    assert [o.i for o in parcel.observations] == [0, 2]
    assert [(r.i, r.code) for r in parcel.rejected] == [(1, code)]
    assert 0 < len(parcel.rejected[0].hint) <= 200


@given(place=st.integers(0, 4), garbage=st.binary(max_size=60).filter(lambda raw: b"\n" not in raw))
def test_any_garbage_loses_only_itself(place: int, garbage: bytes) -> None:
    assume(not garbage.startswith(b'{"epoch":'))  # that is a header, and a broken one spoils the request
    lines = _lines(0, 1, 2, 3, 4)
    lines[place] = garbage
    parcel = _read(_batch(lines)).parcels[0]
    assert [o.i for o in parcel.observations] == [i for i in range(5) if i != place]
    assert [r.i for r in parcel.rejected] == [place]


@given(flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), min_size=1, max_size=6))
def test_flipped_bytes_never_raise_anything_but_our_error(flips: list[tuple[int, int]]) -> None:
    raw = bytearray(encode_request(ENVELOPE, [encode_batch(_header(n), map(_observation, range(3))) for n in (1, 2)]))
    for place, mask in flips:
        raw[place % len(raw)] ^= mask
    with contextlib.suppress(WireError):
        for parcel in decode_request(bytes(raw)).parcels:
            for n in [o.i for o in parcel.observations] + [r.i for r in parcel.rejected]:
                assert n >= 0


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_our_error(raw: bytes) -> None:
    for attempt in (decode_request, decode_parcel, unpack):
        with contextlib.suppress(WireError):
            attempt(raw)


def test_an_undeclared_field_metric_and_reason_of_a_newer_agent_are_kept() -> None:
    newer = _lines(0)[0].replace(b'"ok"', b'"fail","reason":"sun_spots","novelty":{"a":[1,{"b":2}]}')
    parcel = _read(_batch([newer])).parcels[0]
    assert parcel.observations[0].reason == "sun_spots"
    assert parcel.rejected == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(_lines(0)[0] + _lines(1)[0] + b"\n\n", id="two on a line and an empty one"),
        pytest.param(_lines(0)[0] + _lines(1)[0] + b"\n \n", id="two on a line and a blank one"),
        pytest.param(_lines(0)[0].replace(b",", b",\n", 1) + _lines(1)[0] + b"\n", id="one over two lines"),
        pytest.param(_lines(0)[0] + b"\r" + _lines(1)[0] + b"\n\n", id="old line ends"),
    ],
)
def test_a_line_is_a_line_on_the_quick_way_too(body: bytes) -> None:
    parcel = _read(msgspec.json.encode(_header()) + b"\n" + body).parcels[0]
    assert parcel.observations == []
    assert len(parcel.rejected) == 2


def test_backslashes_of_windows_and_vietnamese_are_plain_text() -> None:
    plain = _observation(0, target="C:\\Máy in\\tầng 1", detail={"đường": "\\\\may-chu\\quét"})
    assert _read(encode_batch(_header(), [plain])).parcels[0].observations == [plain]


def test_an_escaped_backslash_before_u0000_is_no_control_character() -> None:
    plain = _observation(0, target="C:\\u0000")
    assert _read(encode_batch(_header(), [plain])).parcels[0].observations == [plain]


# --- headers --------------------------------------------------------------------------------------------------------


def test_a_header_in_another_order_of_keys_is_found() -> None:
    odd = b'{ "boot_id": "%s", "batch": 2, "epoch": "%s" }' % (BOOT.encode(), EPOCH.encode())
    request = _read(_batch(_lines(0, 1)), _batch(_lines(0), odd), _batch(_lines(0, 1, 2)))
    assert [len(p.observations) for p in request.parcels] == [2, 1, 3]
    assert request.parcels[1].header.batch == 2


def test_the_first_header_may_be_in_another_order_too() -> None:
    odd = b'{"batch":9,"epoch":"%s","boot_id":"%s"}' % (EPOCH.encode(), BOOT.encode())
    assert [p.header.batch for p in _read(_batch(_lines(0), odd), _batch(_lines(0))).parcels] == [9, 1]


def test_the_word_epoch_in_an_observation_is_no_header() -> None:
    tricky = _observation(1, detail={"epoch": EPOCH, "text": '{"epoch":'}, target='{"epoch":"x"}')
    parcel = _read(encode_batch(_header(), [_observation(0), tricky, _observation(2)])).parcels[0]
    assert parcel.observations[1] == tricky
    assert len(parcel.observations) == 3


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b'{"epoch":"nonsense","batch":1,"boot_id":"x"}', id="of wrong kinds"),
        pytest.param(b'{"epoch":', id="cut short"),
        pytest.param(b"{}", id="empty"),
        pytest.param(b'{"epoch":"%s","batch":0,"boot_id":"%s"}' % (EPOCH.encode(), BOOT.encode()), id="batch zero"),
        pytest.param(b'{"epoch":"' + b"x" * MAX_LINE_BYTES + b'"}', id="too long"),
    ],
)
def test_a_request_whose_header_cannot_be_read_is_refused_whole(header: bytes) -> None:
    with pytest.raises(WireError) as refused:
        _read(_batch(_lines(0), header))
    assert refused.value.code in {"malformed", "too_large"}


def test_a_missing_header_is_noticed() -> None:
    with pytest.raises(WireError, match="header"):
        _read(b"".join(line + b"\n" for line in _lines(0, 1)))


def test_a_header_lost_between_two_batches_is_noticed() -> None:
    with pytest.raises(WireError) as refused:
        _read(_batch(_lines(0, 1)), _batch(_lines(0, 1), b"\x00garbled"))
    assert refused.value.code == "lost_header"


def test_looking_for_headers_in_a_hostile_body_takes_no_time() -> None:
    body = _batch([b'{"i":0,"x":"' + b'\\"epoch\\"' * 7_000 + b'"}' for _ in range(30)] + [b'"epoch"' * 400_000])
    begun = time.perf_counter()
    with contextlib.suppress(WireError):
        _read(body)
    assert time.perf_counter() - begun < 2


# --- whole requests -------------------------------------------------------------------------------------------------


def _envelope(**changes: object) -> bytes:
    tree = msgspec.to_builtins(ENVELOPE) | changes
    return msgspec.json.encode(tree) + b"\n"


PLAIN_BATCH = _batch(_lines(0))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        pytest.param(b"", "malformed", id="nothing"),
        pytest.param(b"\n", "malformed", id="an empty line"),
        pytest.param(_envelope(), "empty", id="no batch"),
        pytest.param(_envelope()[:-1], "empty", id="no line end"),
        pytest.param(_envelope(version=2) + PLAIN_BATCH, "version", id="version 2"),
        pytest.param(_envelope(version=0) + PLAIN_BATCH, "version", id="version 0"),
        pytest.param(_envelope(version="1") + PLAIN_BATCH, "malformed", id="version as text"),
        pytest.param(_envelope(sent_at_ms=2**60) + PLAIN_BATCH, "malformed", id="a lying integer"),
        pytest.param(_envelope(sender_boot_id="x") + PLAIN_BATCH, "malformed", id="no boot"),
        pytest.param(b"[" * 200_000 + b"\n" + PLAIN_BATCH, "too_large", id="200,000 brackets"),
        pytest.param(b"[" * 60_000 + b"\n" + PLAIN_BATCH, "malformed", id="60,000 brackets"),
        pytest.param(b"\xff\xfe" + _envelope() + PLAIN_BATCH, "malformed", id="invalid UTF-8"),
        pytest.param(_envelope() + PLAIN_BATCH[:-1], "truncated", id="cut in the last line"),
        pytest.param(_envelope() + PLAIN_BATCH * (MAX_BATCHES + 1), "too_large", id="61 batches"),
    ],
)
def test_what_spoils_a_whole_request_is_named(raw: bytes, code: str) -> None:
    with pytest.raises(WireError) as refused:
        decode_request(raw)
    assert refused.value.code == code
    assert len(refused.value.detail) < 400


def test_ten_thousand_values_in_a_line_are_rejected_and_their_neighbours_stay() -> None:
    many = msgspec.json.encode(_observation(1, values=[Value("m", 1.0)] * 1_500))
    parcel = _read(_batch([*_lines(0), many, *_lines(2)])).parcels[0]
    assert [r.code for r in parcel.rejected] == ["invalid"]
    most = msgspec.json.encode(_observation(1, values=[Value("motcua_line_loss_ratio", 1.0)] * 10_000))
    assert [r.code for r in _read(_batch([*_lines(0), most])).parcels[0].rejected] == ["too_large"]


def test_too_many_values_in_a_request_are_refused() -> None:
    full = [_observation(i, values=[Value("m", 1.0)] * MAX_VALUES) for i in range(MAX_REQUEST_VALUES // MAX_VALUES)]
    assert len(_read(encode_batch(_header(), full)).parcels[0].observations) == 100
    with pytest.raises(WireError, match="values"):
        _read(encode_batch(_header(), full), encode_batch(_header(2), [_observation()]))


def test_too_many_observations_in_a_batch_are_refused() -> None:
    with pytest.raises(WireError, match="observations"):
        _read(_batch([b"{}"] * (MAX_OBSERVATIONS + 1)))


def test_a_batch_cut_short_in_the_spool_is_not_read_without_its_end() -> None:
    with pytest.raises(WireError) as refused:
        decode_parcel(PLAIN_BATCH[:-9])
    assert refused.value.code == "truncated"


# --- gzip -----------------------------------------------------------------------------------------------------------


def _bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([packer.compress(bytes(1 << 20)) for _ in range(50)]) + packer.flush()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"", "bad_encoding", id="nothing"),
        pytest.param(b"plain text", "bad_encoding", id="not gzip"),
        pytest.param(zlib.compress(b"x"), "bad_encoding", id="zlib"),
        pytest.param(pack(b"x" * 999)[:-1], "bad_encoding", id="cut by one byte"),
        pytest.param(pack(b"x" * 999)[:12], "bad_encoding", id="cut in the middle"),
        pytest.param(pack(b"x" * 999)[:-8] + bytes(8), "bad_encoding", id="wrong checksum"),
        pytest.param(pack(b"x") + b"y", "bad_encoding", id="a byte behind it"),
        pytest.param(pack(b"x") + pack(b"y"), "bad_encoding", id="another stream behind it"),
        pytest.param(_bomb(), "too_large", id="a bomb of 50 MB"),
        pytest.param(pack(bytes(MAX_BODY_BYTES + 1)), "too_large", id="a byte too many"),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_named(body: bytes, code: str) -> None:
    with pytest.raises(WireError) as refused:
        unpack(body)
    assert refused.value.code == code


@given(st.binary(max_size=5_000))
def test_what_was_packed_is_unpacked(raw: bytes) -> None:
    assert unpack(pack(raw)) == raw
    assert gzip.decompress(pack(raw)) == raw


def test_the_largest_body_is_taken() -> None:
    assert len(unpack(pack(bytes(MAX_BODY_BYTES)))) == MAX_BODY_BYTES
