"""Random series and random questions about them, within the subset that is understood."""

import itertools
import random

import numpy as np
from hypothesis import strategies as st

from telemetry.store.frames import Times, Values
from tests.telemetry.promql.memory_store import STALE, Measured

LENGTH_MS = 40 * 60_000
SCRAPES_MS = (15_000, 30_000, 60_000, 37_000)
BOUNDS = ("0.1", "0.5", "1", "+Inf")
GAUGES, COUNTERS = ("g", "f"), ("c", "d")  # g repeats its values, f does not


def some_series(seed: int, prefix: str, start_ms: int) -> list[Measured]:
    """Values are multiples of 1/64, so that their sums are the same in any order."""
    dice, noise = random.Random(seed), np.random.default_rng(seed)  # noqa: S311
    targets = [*itertools.product("ab", "123")]
    found: list[Measured] = []
    for job, instance in dice.sample(targets, dice.randint(1, len(targets))):
        target = {"job": job, "instance": instance} | ({"zone": "z"} if dice.random() < 0.3 else {})
        at_ms = _scrapes(dice, noise, start_ms)
        for kind in (*GAUGES, *COUNTERS):
            if dice.random() < 0.85:
                labels = {"__name__": f"{prefix}_{kind}", **target}
                found.append(_spoilt(dice, noise, labels, at_ms, _values(noise, at_ms.size, kind)))
        if dice.random() < 0.6:
            found += _histogram(dice, noise, {"__name__": f"{prefix}_h_bucket", **target}, at_ms)
    return [each for each in found if each.at_ms.size]


def _scrapes(dice: random.Random, noise: np.random.Generator, start_ms: int) -> Times:
    interval_ms = dice.choice(SCRAPES_MS)
    first = start_ms + dice.randrange(0, interval_ms)
    at_ms = np.arange(first, start_ms + LENGTH_MS, interval_ms, dtype=np.int64)
    if dice.random() < 0.5:
        at_ms = at_ms + noise.integers(-200, 200, at_ms.size)
    if dice.random() < 0.3:
        lost = dice.randrange(at_ms.size)
        at_ms = np.delete(at_ms, slice(lost, lost + dice.randint(1, 25)))
    return at_ms


def _values(noise: np.random.Generator, count: int, kind: str) -> Values:
    if kind == "g":
        return noise.integers(-3, 4, count).astype(float)
    if kind == "f":
        return noise.integers(-(2**20), 2**20, count) / 64
    steps = noise.integers(0, 640, count) / 64 * (noise.random(count) < 0.8)
    values = np.cumsum(steps) + noise.integers(0, 1000)
    for reset in np.nonzero(noise.random(count) < 0.03)[0]:
        values[reset:] -= values[reset] - steps[reset]
    return values


def _spoilt(
    dice: random.Random,
    noise: np.random.Generator,
    labels: dict[str, str],
    at_ms: Times,
    values: Values,
) -> Measured:
    """Holes, NaN, infinities and staleness markers, each now and then."""
    if dice.random() < 0.3:
        kept = noise.random(at_ms.size) < 0.7
        at_ms, values = at_ms[kept], values[kept]
    for chance, share, value in (
        (0.2, 0.1, np.nan),
        (0.1, 0.05, dice.choice([np.inf, -np.inf])),
        (0.3, 0.1, STALE),
    ):
        if dice.random() < chance:
            values[noise.random(values.size) < share] = value
    return Measured(labels, at_ms, values)


def _histogram(
    dice: random.Random, noise: np.random.Generator, labels: dict[str, str], at_ms: Times
) -> list[Measured]:
    """Now and then a bucket is missing."""
    observed = np.cumsum(noise.integers(0, 5, (len(BOUNDS), at_ms.size)), axis=1)
    buckets = zip(BOUNDS, np.cumsum(observed, axis=0).astype(float), strict=True)
    return [
        Measured({**labels, "le": bound}, at_ms, counts)
        for bound, counts in buckets
        if dice.random() < 0.95
    ]


def _one_of(words: str) -> st.SearchStrategy[str]:
    return st.sampled_from(words.split())


def _made(template: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(template.format, *parts)


OVER_TIME = _one_of(
    "rate increase irate delta idelta deriv resets changes avg_over_time min_over_time "
    "max_over_time sum_over_time count_over_time last_over_time present_over_time "
    "stddev_over_time stdvar_over_time absent_over_time"
)
OF_VALUES = _one_of(
    "abs ceil floor exp ln log2 log10 sqrt sgn round absent timestamp sort_desc sort"
)
OF_DATES = _one_of("minute hour day_of_week day_of_month day_of_year days_in_month month year")
AGGREGATIONS = _one_of("sum avg min max count group stddev stdvar")
SETS = _one_of("and or unless")
GROUPING = _one_of("by without")
KINDS = st.sampled_from([*GAUGES, *COUNTERS])
RANGES = _one_of("1m 2m30s 5m 11m 47s")
NUMBERS = _one_of("0 1 -1 2 0.5 3.25 100 1e3 NaN Inf -Inf")
LABEL_LISTS = st.lists(_one_of("job instance zone"), unique=True, max_size=2).map(", ".join)
MATCHERS = st.lists(
    _one_of(
        'job="a" job!="a" instance=~"1|2" instance!~"1.*" zone="" zone!="" job=~".+" job=~"(a|b)"'
    ),
    unique=True,
    max_size=2,
).map(", ".join)
OPERATORS = st.sampled_from(
    [*"+ - * / % ^ atan2 == != > < >= <=".split(), "> bool", "== bool", "<= bool"]  # noqa: SIM905
)
ON = st.one_of(st.just(""), _made("on ({})", LABEL_LISTS), _made("ignoring ({})", LABEL_LISTS))
MATCHING = st.one_of(
    ON,
    _made(
        "on ({}) {} ({})",
        st.sampled_from(["job", "job, instance"]),
        _one_of("group_left group_right"),
        st.sampled_from(["", "zone"]),
    ),
)


def questions(prefix: str, middle_ms: int) -> st.SearchStrategy[str]:
    """Vectors, made of each other."""
    at = f"@ {middle_ms / 1000 + 0.25:.3f}"
    when = st.sampled_from(
        ["", "", "", "", "offset 3m", "offset -2m", "@ end()", "@ start() offset 1m", at]
    )
    plain = _made(f"{prefix}_{{}}{{{{{{}}}}}}", KINDS, MATCHERS)
    both = st.just(f'{{__name__=~"{prefix}_[gf]"}}')
    seen = _made("{}[{}] {}", plain, RANGES, when)
    buckets = st.sampled_from(
        [
            f"{prefix}_h_bucket",
            f"rate({prefix}_h_bucket[5m])",
            f"sum by (le, job) (rate({prefix}_h_bucket[3m]))",
            f"sum by (le) ({prefix}_h_bucket)",
        ]
    )
    leaves = st.one_of(
        _made("{} {}", st.one_of(plain, plain, plain, both), when),
        _made("{}({})", OVER_TIME, seen),
        _made("{}({})", OVER_TIME, seen),
        _made("quantile_over_time({}, {})", NUMBERS, seen),
        _made("histogram_quantile({}, {})", _one_of("0.9 0.5 0 1 2 NaN"), buckets),
        # Of equal values, any may be among the first; these have none.
        _made(
            f"{{}} by ({{}}) ({{}}, {prefix}_f{{{{{{}}}}}})",
            _one_of("topk bottomk"),
            LABEL_LISTS,
            _one_of("1 2 3 0"),
            MATCHERS,
        ),
        # What is rounded differently in the last digit is another value.
        _made(f'count_values {{}} ({{}}) ("value", {prefix}_{{}})', GROUPING, LABEL_LISTS, KINDS),
        _made("{}(time() + vector({}))", OF_DATES, _one_of("0 86400 2678400 61")),
    )
    return st.recursive(leaves, _wider, max_leaves=4)


def _wider(vectors: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    scalars = st.one_of(NUMBERS, st.just("time()"), _made("scalar({})", vectors))
    return st.one_of(
        _made("{}({})", OF_VALUES, vectors),
        _made("{} {} ({}) ({})", AGGREGATIONS, GROUPING, LABEL_LISTS, vectors),
        _made("{}({})", AGGREGATIONS, vectors),
        _made("quantile {} ({}) ({}, {})", GROUPING, LABEL_LISTS, NUMBERS, vectors),
        _made("({}) {} ({})", vectors, OPERATORS, scalars),
        _made("({}) {} ({})", scalars, OPERATORS, vectors),
        _made("({}) {} {} ({})", vectors, OPERATORS, MATCHING, vectors),
        _made("({}) {} {} ({})", vectors, SETS, ON, vectors),
        _made("-({})", vectors),
        _made("clamp({}, {}, {})", vectors, scalars, scalars),
        _made("{}({}, {})", _one_of("clamp_min clamp_max round"), vectors, scalars),
        _made("vector({})", scalars),
        _made("{}(({})[{}:{}])", OVER_TIME, vectors, RANGES, st.sampled_from(["", "30s", "70s"])),
        _made(
            'label_replace({}, "{}", "{}", "job", "{}")',
            vectors,
            _one_of("zone new job instance"),
            st.sampled_from(["x-$1", "", "${1}y", "$0", "$2", "${name}"]),
            _one_of("(.*) (a)|b a .+(b?) (?P<name>.)"),
        ),
        _made('label_join({}, "{}", "-", "job", "instance")', vectors, _one_of("zone new job")),
    )
