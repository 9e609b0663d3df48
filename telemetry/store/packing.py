"""Rows to bytes and back, bit for bit.

Whole numbers and short decimals are kept as the differences of integers, and so are times, whose
differences hardly differ; other numbers as the bits in which neighbours differ. Everything is cut
to the bytes it needs, laid out byte by byte, and compressed.
"""

import cramjam
import numpy as np
import numpy.typing as npt

from telemetry.store.frames import Values
from telemetry.store.rows import Rows

VERSION = b"\x01"
LEVEL = 3
MOST_DECIMALS = 9
RAW = MOST_DECIMALS + 1  # stands for the decimals of a row that is kept as bits
EXACT_BELOW = 2.0**53
POWERS = 10.0 ** np.arange(RAW + 1)

Integers = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]


def pack(rows: Rows) -> bytes:
    decimals = _decimals_of(rows)
    scale = np.repeat(decimals, rows.counts)
    is_whole = scale != RAW
    whole = np.rint(rows.values[is_whole] * POWERS[scale[is_whole]]).astype(np.int64)
    columns = (
        _differences(rows.series),
        rows.clock.view(np.uint64),
        rows.lengths.view(np.uint64),
        _differences(np.diff(rows.times, prepend=0)),
        decimals.view(np.uint64),
        _differences(whole),
        _different_bits(rows.values[~is_whole]),
    )
    body = b"".join(map(_laid_out, columns))
    return VERSION + bytes(cramjam.zstd.compress(body, level=LEVEL))


def unpack(packed: bytes) -> Rows:
    """Raises ValueError for bytes of another version."""
    if packed[:1] != VERSION:
        raise ValueError(f"A block of version {packed[:1]!r} cannot be read by this release.")
    columns = _columns(memoryview(cramjam.zstd.decompress(packed[1:])))
    series, clock, lengths, times, decimals, whole, bits = columns
    lengths_of, clock_of = lengths.view(np.int64), clock.view(np.int64)
    scale = np.repeat(decimals.view(np.int64), lengths_of[clock_of])
    values = _values(_summed(whole), np.bitwise_xor.accumulate(bits), scale)
    return Rows(_summed(series), clock_of, lengths_of, np.cumsum(_summed(times)), values)


def _decimals_of(rows: Rows) -> Integers:
    """With how few decimals each row is exact; RAW if with none that we try."""
    decimals = np.full(len(rows.series), RAW)
    for count in range(MOST_DECIMALS + 1):
        left = np.flatnonzero(decimals == RAW)
        values = rows.values if count == 0 else rows.chosen(left).values
        starts = rows.offsets if count == 0 else np.cumsum(rows.counts[left]) - rows.counts[left]
        if not len(left):
            break
        exact = np.logical_and.reduceat(_are_exact(values, POWERS[count]), starts)
        decimals[left[exact]] = count
    return decimals


def _are_exact(values: Values, power: float) -> npt.NDArray[np.bool_]:
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.rint(values * power)
        is_small = np.abs(scaled) < EXACT_BELOW
    whole = np.where(is_small, scaled, 0).astype(np.int64)
    is_same: npt.NDArray[np.bool_] = (whole / power).view(np.int64) == values.view(np.int64)
    return is_small & is_same


def _values(whole: Integers, bits: Bits, scale: Integers) -> Values:
    if not len(bits):
        return whole / POWERS[scale]
    values = np.empty(len(scale))
    values[scale != RAW] = whole / POWERS[scale[scale != RAW]]
    values[scale == RAW] = bits.view(np.float64)
    return values


def _differences(numbers: Integers) -> Bits:
    """Zigzag, so that small ones of either sign are small."""
    steps = np.diff(numbers, prepend=0)
    return ((steps << 1) ^ (steps >> 63)).view(np.uint64)


def _summed(differences: Bits) -> Integers:
    steps = (differences >> np.uint64(1)).view(np.int64) ^ -(differences & 1).view(np.int64)
    return np.cumsum(steps)


def _different_bits(values: Values) -> Bits:
    bits: Bits = values.view(np.uint64)
    before = np.zeros_like(bits)
    before[1:] = bits[:-1]
    return bits ^ before


def _laid_out(column: Bits) -> bytes:
    """How many, how wide, then the first bytes of all, the second bytes of all, and so on."""
    width = (int(column.max(initial=0)).bit_length() + 7) // 8
    head = len(column).to_bytes(4, "little") + bytes([width])
    return head + column[:, None].view(np.uint8)[:, :width].T.tobytes()


def _columns(body: memoryview) -> list[Bits]:
    columns = []
    while body:
        count, width = int.from_bytes(body[:4], "little"), body[4]
        planes = np.frombuffer(body, np.uint8, count * width, offset=5).reshape(width, count)
        columns.append(_stacked(planes))
        body = body[5 + count * width :]
    return columns


def _stacked(planes: npt.NDArray[np.uint8]) -> Bits:
    column = np.zeros(planes.shape[1], np.uint64)
    for place, plane in enumerate(planes):
        column |= plane.astype(np.uint64) << np.uint64(8 * place)
    return column
