"""The body of a Prometheus remote-write 1.0 request becomes a batch of samples.

https://prometheus.io/docs/specs/prw/remote_write_spec/
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cramjam
import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from telemetry.intake.refusals import Oversized, Unreadable
from telemetry.intake.wire import Label, Sample, TimeSeries, WriteRequest
from telemetry.store.frames import Batch, Times, Values

MAX_BODY_BYTES = 16 * 2**20
MAX_LABELS = 64
MAX_NAME = 255
MAX_VALUE = 2048
MOST_REMEMBERED = 200_000
MOST_REMEMBERED_BYTES = 64 * 2**20
MOST_PARTS = 500_000

_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_VARINT_BYTES = 6  # of a time in milliseconds from 2004 until 2109
_USUAL = 1 + 8 + 1 + _VARINT_BYTES  # tag, double, tag, varint
_ZERO = 1 + _VARINT_BYTES  # proto3 leaves out a value of zero


@dataclass(frozen=True, slots=True)
class Write:
    """What a request held, and how many of its samples were refused for what reason."""

    batch: Batch
    refused: Counter[str]


@dataclass(slots=True)
class LabelMemory:
    """Labels by the bytes they came as: a sender sends the same ones every few seconds."""

    _known: dict[bytes, Mapping[str, str]] = field(default_factory=dict)
    _bytes: int = 0

    def read(self, encoded: Sequence[bytes]) -> Mapping[str, str]:
        """Raises Unreadable with what is wrong with them."""
        if len(encoded) > MAX_LABELS:
            raise Unreadable(f"more than {MAX_LABELS} labels")
        key = b"\n".join(encoded)
        labels = self._known.get(key)
        if labels is None:
            labels = _checked(_parse_labels(encoded))
            self._remember(key, labels)
        return labels

    def _remember(self, key: bytes, labels: Mapping[str, str]) -> None:
        if len(self._known) >= MOST_REMEMBERED or self._bytes >= MOST_REMEMBERED_BYTES:
            self._known.clear()
            self._bytes = 0
        self._known[key] = labels
        self._bytes += len(key)


def decompress(body: bytes) -> bytes:
    """Raises Oversized before more than MAX_BODY_BYTES are unpacked."""
    try:
        if cramjam.snappy.decompress_raw_len(body) > MAX_BODY_BYTES:
            raise Oversized(f"A request may hold {MAX_BODY_BYTES} bytes, unpacked.")
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise Unreadable("The body is not snappy in its block format.") from error


def read_write(body: bytes, memory: LabelMemory) -> Write:
    """`body` is unpacked. Series that are not right are counted; raises Unreadable when the
    whole cannot be read. Metadata and exemplars are not kept."""
    request = _parse(WriteRequest, body, "The body is not a remote-write 1.0 request.")
    labels: list[Mapping[str, str]] = []
    samples: list[bytes] = []
    counts: list[int] = []
    refused: Counter[str] = Counter()
    _demand_few(len(request.timeseries))
    for encoded in request.timeseries:
        series = _parse(TimeSeries, encoded, "A time series cannot be read.")
        if series.histograms:
            refused["native histograms are not kept"] += len(series.histograms)
        try:
            labels.append(memory.read(series.labels))
        except Unreadable as error:
            refused[str(error)] += len(series.samples)
            continue
        samples.extend(series.samples)
        _demand_few(len(samples))
        counts.append(len(series.samples))
    at_ms, values = _decode(samples)
    return Write(Batch(labels, np.repeat(np.arange(len(labels)), counts), at_ms, values), refused)


def _demand_few(parts: int) -> None:
    if parts > MOST_PARTS:
        raise Oversized(f"A request may hold {MOST_PARTS:,} series and samples.")


def _decode(samples: list[bytes]) -> tuple[Times, Values]:
    """Nearly all have one of two lengths and are read at once; the odd ones one by one."""
    at_ms = np.zeros(len(samples), dtype=np.int64)
    values = np.zeros(len(samples), dtype=np.float64)
    lengths = np.fromiter(map(len, samples), dtype=np.int64, count=len(samples))
    is_read = np.zeros(len(samples), dtype=bool)
    for length in (_USUAL, _ZERO):
        places = np.flatnonzero(lengths == length)
        packed = np.frombuffer(b"".join([samples[place] for place in places]), dtype=np.uint8)
        rows = packed.reshape(-1, length)
        usual = _is_usual(rows)
        at_ms[places[usual]] = _varints(rows[usual, -_VARINT_BYTES:])
        if length == _USUAL:
            values[places[usual]] = rows[usual, 1:9].copy().view("<f8").ravel()
        is_read[places[usual]] = True
    for place in np.flatnonzero(~is_read):
        sample = _parse(Sample, samples[place], "A sample cannot be read.")
        at_ms[place], values[place] = sample.timestamp, sample.value
    return at_ms, values


def _is_usual(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Tag of the time where it belongs, tag of the value in front of it, a varint of six bytes."""
    varints = rows[:, -_VARINT_BYTES:]
    is_usual = (varints[:, :-1] >= 0x80).all(axis=1) & (varints[:, -1] < 0x80)
    is_usual &= rows[:, -_VARINT_BYTES - 1] == 0x10
    return is_usual & (rows[:, 0] == 0x09) if rows.shape[1] == _USUAL else is_usual


def _varints(rows: npt.NDArray[np.uint8]) -> Times:
    shifts = np.arange(_VARINT_BYTES, dtype=np.int64) * 7
    total: Times = ((rows.astype(np.int64) & 0x7F) << shifts).sum(axis=1)
    return total


def _parse(kind: Any, encoded: bytes, complaint: str) -> Any:
    message = kind()
    try:
        message.ParseFromString(encoded)
    except DecodeError as error:
        raise Unreadable(complaint) from error
    return message


def _parse_labels(encoded: Sequence[bytes]) -> dict[str, str]:
    parsed = [_parse(Label, label, "A label is not UTF-8.") for label in encoded]
    labels = {label.name: label.value for label in parsed if label.value}
    if len(labels) != len([label for label in parsed if label.value]):
        raise Unreadable("a label is given twice")
    return labels


def _checked(labels: dict[str, str]) -> Mapping[str, str]:
    name = labels.get("__name__", "")
    if not _METRIC_NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise Unreadable("a series without a valid metric name")
    for key, value in labels.items():
        _check_label(key, value)
    return labels


def _check_label(name: str, value: str) -> None:
    if not _LABEL_NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise Unreadable("a label without a valid name")
    if len(value) > MAX_VALUE or "\x00" in value:
        raise Unreadable(f"a label value over {MAX_VALUE} characters or with a NUL")
