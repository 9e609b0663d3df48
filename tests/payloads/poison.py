"""Bodies that no receiver may stumble over, each by name. The largest is 10 MB, made on demand."""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["read", "refused"]

JSON = "application/json"
MEGABYTE = 1_000_000
EVERY_TYPE = (None, 5, "a", [], {}, True)
OBJECT = b'{"a":"' + b"x" * 76 + b'"}'


@dataclass(frozen=True)
class Poison:
    """``outcome`` is what read_json does with it."""

    name: str
    outcome: Outcome
    make: Callable[[], bytes] = field(repr=False)
    content_type: str = JSON

    @property
    def body(self) -> bytes:
        return self.make()


def alert(**changes: object) -> dict[str, object]:
    """A good alert in Alertmanager's format, with the given labels besides."""
    return {
        "status": "firing",
        "labels": {"alertname": "Poisoned", "service": "checkout", **changes},
        "annotations": {},
        "startsAt": "2026-11-20T10:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
    }


def _group(*alerts: object) -> bytes:
    return json.dumps({"version": "4", "status": "firing", "alerts": alerts}).encode()


def _labelled(value: object) -> Callable[[], bytes]:
    return lambda: _group(alert(), alert(poison=value))


def _nested(depth: int) -> Callable[[], bytes]:
    return lambda: b'{"a":' * depth + b"1" + b"}" * depth


def _listed(item: bytes, times: int) -> bytes:
    return b"[" + b",".join([item] * times) + b"]"


def _raw(body: bytes) -> Callable[[], bytes]:
    return lambda: body


TEXTS = {
    "right-to-left": "\u202egpj.exe",
    "zero width": "che\u200bck\u2060out\ufeff",
    "ansi": "\x1b[31mred\x1b]0;title\x07",
    "newlines": "one\r\ntwo\nSet-Cookie: a=b",
    "jndi": "${jndi:ldap://127.0.0.1/a}",
    "template": "{{7*7}}{% debug %}{0.__class__}",
    "csv formula": "=cmd|' /C calc'!A0",
    "markup": "<script>window.__xss=1</script><img src=x onerror=window.__xss=1>",
    "sql": "'; DROP TABLE incidents_alert; --",
    "four bytes": "\U0001f525" * 100,
}

POISONS: tuple[Poison, ...] = (
    Poison("empty", "refused", _raw(b"")),
    Poison("white space", "refused", _raw(b" \n\t ")),
    Poison("not json", "refused", _raw(b"alert=1&status=firing")),
    Poison("cut short", "refused", lambda: _group(alert())[:-3]),
    Poison("trailing garbage", "refused", lambda: _group(alert()) + b"{}"),
    Poison("invalid utf-8", "refused", _raw(b'{"title":"\xff\xfe"}')),
    Poison("lone surrogate", "refused", _raw(b'{"title":"\\ud800"}')),
    Poison("encoded surrogate", "refused", _raw(b'{"title":"\xed\xa0\x80"}')),
    Poison("utf-16", "refused", lambda: '{"title":"a"}'.encode("utf-16")),
    Poison("byte order mark", "refused", _raw(b'\xef\xbb\xbf{"title":"a"}')),
    Poison("nan", "refused", _raw(b'{"title":"a","value":NaN}')),
    Poison("infinity", "refused", _raw(b'{"title":"a","value":-Infinity}')),
    Poison("1e999", "refused", _raw(b'{"title":"a","value":1e999}')),
    Poison("raw control character", "refused", _raw(b'{"title":"a\x00b"}')),
    Poison("depth 33", "refused", _nested(33)),
    Poison("depth 1,000", "refused", _nested(1_000)),
    Poison("depth 100,000", "refused", _nested(100_000)),
    Poison("10 MB of brackets", "refused", lambda: b"[" * 10 * MEGABYTE),
    Poison("10 MB of empty lists", "refused", lambda: b"[" + b"[]," * 3 * MEGABYTE + b"[]]"),
    Poison("10 MB of objects", "read", lambda: _listed(_listed(OBJECT, 9_000), 13)),
    Poison("10,001 items", "refused", lambda: b"[" + b"{}," * 10_000 + b"{}]"),
    Poison("wrong content type", "refused", lambda: _group(alert()), "application/xml"),
    Poison("form", "refused", _raw(b"title=a"), "application/x-www-form-urlencoded"),
    Poison("utf-16 content type", "refused", _raw(b"{}"), "application/json; charset=utf-16"),
    Poison("gzip", "refused", lambda: gzip.compress(b'{"title":"a"}' + b" " * MEGABYTE, mtime=0)),
    Poison("depth 32", "read", _nested(31)),
    Poison("a number", "read", _raw(b"5")),
    Poison("null", "read", _raw(b"null")),
    Poison("a text", "read", _raw(b'"alert"')),
    Poison("array root", "read", _raw(b'[{"title":"a"},{"title":"b"}]')),
    Poison("empty object", "read", _raw(b"{}")),
    Poison("text/plain", "read", lambda: _group(alert()), "text/plain; charset=UTF-8"),
    Poison("1 MB label", "read", _labelled("x" * MEGABYTE)),
    Poison("1 MB key", "read", lambda: _group(alert(), alert(**{"k" * MEGABYTE: "v"}))),
    Poison(
        "10,000 labels",
        "read",
        lambda: _group(alert(), alert(**{f"label{n}": "x" for n in range(10_000)})),
    ),
    Poison("deep item", "read", lambda: _group(alert(), json.loads(_nested(40)()))),
    Poison("nul in value", "read", _raw(b'{"title":"a\\u0000b"}')),
    Poison("nul in key", "read", _raw(b'{"title":"a","a\\u0000b":"c"}')),
    Poison("5,000 digits", "read", lambda: b'{"title":"a","id":' + b"9" * 5_000 + b"}"),
    Poison("2^63", "read", _raw(b'{"title":"a","id":9223372036854775808}')),
    Poison("2^64", "read", _raw(b'{"title":"a","id":18446744073709551616}')),
    Poison("minus zero", "read", _raw(b'{"title":"a","value":-0}')),
    Poison("duplicate keys", "read", _raw(b'{"title":"a","title":"b"}')),
    Poison("prototype", "read", _raw(b'{"title":"a","__proto__":{"isAdmin":true}}')),
    Poison("items of every type", "read", lambda: _group(alert(), *EVERY_TYPE)),
    Poison("10 MB text", "read", lambda: b'{"title":"' + b"x" * 10 * (MEGABYTE - 10) + b'"}'),
    *(Poison(f"{name} text", "read", _labelled(text)) for name, text in TEXTS.items()),
    *(
        Poison(f"{name} key", "read", lambda text=text: _group(alert(**{text[:30]: "v"})))
        for name, text in TEXTS.items()
    ),
)


def batches_with_one_bad_item() -> Iterator[tuple[str, bytes]]:
    """Two alerts each in Alertmanager's format, of which only the first can be kept."""
    for name in ("1 MB key", "10,000 labels", "deep item"):
        yield name, next(poison.body for poison in POISONS if poison.name == name)
    yield "wrong type", _group(alert(), {"labels": "none"})
    yield "wrong status", _group(alert(), {**alert(), "status": "exploded"})
