"""What Prometheus sends by remote-write is read exactly, and what is wrong is counted."""

import math
import struct

import cramjam
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.intake import remote_write
from telemetry.intake.refusals import Oversized, Unreadable
from telemetry.intake.remote_write import LabelMemory, read_write
from telemetry.intake.wire import Label, Sample, TimeSeries, WriteRequest

UP = {"__name__": "up", "job": "node", "instance": "a:9100"}


def encode(*series):
    """A request of (labels, [(ms, value)]) as a sender writes it."""
    request = WriteRequest()
    for labels, samples in series:
        message = TimeSeries(
            labels=[Label(name=k, value=v).SerializeToString() for k, v in labels.items()],
            samples=[Sample(timestamp=t, value=v).SerializeToString() for t, v in samples],
        )
        request.timeseries.append(message.SerializeToString())
    return request.SerializeToString()


def read(*series):
    return read_write(encode(*series), LabelMemory())


def test_every_sample_arrives_with_its_series_and_time():
    other = {"__name__": "up", "job": "node", "instance": "b:9100"}

    batch = read(
        (UP, [(1_700_000_000_000, 1.0), (1_700_000_015_000, 0.0)]), (other, [(5, 2.5)])
    ).batch

    assert list(batch.labels) == [UP, other]
    assert batch.series.tolist() == [0, 0, 1]
    assert batch.at_ms.tolist() == [1_700_000_000_000, 1_700_000_015_000, 5]
    assert batch.values.tolist() == [1.0, 0.0, 2.5]


samples = st.lists(
    st.tuples(st.integers(-(2**63), 2**63 - 1) | st.integers(2**41, 2**42), st.floats()),
    max_size=20,
)


@given(samples)
def test_any_time_and_any_float_come_through_bit_for_bit(sent):
    batch = read((UP, sent)).batch

    assert batch.at_ms.tolist() == [at for at, _ in sent]
    expected = np.array([value if value else 0.0 for _, value in sent])
    assert [struct.pack("<d", v or 0.0) for v in batch.values] == [
        struct.pack("<d", v or 0.0) for v in expected
    ]


def test_the_staleness_marker_keeps_its_bits():
    marker = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]

    batch = read((UP, [(1_700_000_000_000, marker)])).batch

    assert batch.values.view(np.uint64)[0] == 0x7FF0000000000002
    assert math.isnan(batch.values[0])


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({"job": "node"}, "a series without a valid metric name"),
        ({"__name__": "not a name"}, "a series without a valid metric name"),
        ({"__name__": "up", "a-b": "x"}, "a label without a valid name"),
        (
            {"__name__": "up", "a": "x" * 2049},
            "a label value over 2048 characters or with a NUL",
        ),
        ({"__name__": "up"} | {f"l{i}": "x" for i in range(64)}, "more than 64 labels"),
    ],
)
def test_a_series_that_is_not_right_is_counted_and_the_others_are_read(labels, reason):
    write = read((labels, [(1, 1.0), (2, 1.0)]), (UP, [(3, 1.0)]))

    assert write.refused == {reason: 2}
    assert list(write.batch.labels) == [UP]


def test_a_request_of_metadata_only_is_an_empty_batch():
    metadata = b"\x1a\x04\x08\x01\x12\x00"

    write = read_write(metadata, LabelMemory())

    assert not write.batch.labels
    assert not write.refused


@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"\x0a\xff", encode((UP, [(1, 1.0)]))[:-3]])
def test_what_is_no_request_is_refused(body):
    with pytest.raises(Unreadable):
        read_write(body, LabelMemory())


def test_a_body_that_is_not_snappy_is_refused():
    with pytest.raises(Unreadable, match="snappy"):
        remote_write.decompress(b"not snappy at all")


def test_a_bomb_is_refused_before_it_is_unpacked():
    bomb = bytes(cramjam.snappy.compress_raw(b"\0" * (remote_write.MAX_BODY_BYTES + 1)))

    with pytest.raises(Oversized):
        remote_write.decompress(bomb)
