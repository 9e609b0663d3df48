"""A trace as rows to draw: who called whom, when, what took the time, and what is wrong with it.

The critical path is found as in CRISP (Zhang et al., USENIX ATC 2022): from the end backwards,
always on with the child that ended last. Clocks are put right as Jaeger does: a server that seems
to answer before it was asked, or after its client had the answer, is moved into its client's time.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from telemetry.records import Span

MOST_ROWS = 500
_ASYNC = ("producer", "consumer")


@dataclass(frozen=True, slots=True)
class Row:
    """Times are in nanoseconds, `start_ns` from the trace's begin. `moved_ns` was added to the
    clock of the span's service; `folded` descendants are not drawn."""

    span: Span
    depth: int
    start_ns: int
    self_ns: int
    moved_ns: int
    is_critical: bool
    is_orphan: bool
    has_children: bool
    folded: int


@dataclass(frozen=True, slots=True)
class Waterfall:
    """`rows` are depth first, at most MOST_ROWS of `span_count`. `orphans` name a parent that is
    not here, `cut` is in how many circles of parents one link was left out, `moved` how many spans
    were put right in time, by at most `skew_ns`."""

    rows: tuple[Row, ...]
    start_ns: int
    duration_ns: int
    span_count: int
    error_count: int
    services: tuple[str, ...]
    orphans: int
    cut: int
    moved: int
    skew_ns: int

    @property
    def folded(self) -> int:
        return self.span_count - len(self.rows)


def waterfall(spans: Sequence[Span], *, most: int = MOST_ROWS) -> Waterfall | None:
    """None without spans. A span that comes twice counts once; order does not matter."""
    named = [span for span in spans if span.span_id]
    if not named:
        return None
    tree = _Tree(named)
    shown = _chosen(tree, most)
    rows = tuple(_row(tree, span_id, shown) for span_id in tree.order if span_id in shown)
    return Waterfall(
        rows=rows,
        start_ns=tree.begin,
        duration_ns=tree.end - tree.begin,
        span_count=len(tree.spans),
        error_count=sum(span.is_error for span in tree.spans.values()),
        services=tuple(dict.fromkeys(tree.spans[i].service for i in tree.order)),
        orphans=len(tree.orphans),
        cut=tree.cut,
        moved=sum(moved != 0 for moved in tree.moved.values()),
        skew_ns=max(map(abs, tree.moved.values())),
    )


class _Tree:
    """`order` is depth first, children by their start; all by span id."""

    def __init__(self, spans: Sequence[Span]) -> None:
        earliest = sorted(spans, key=lambda span: (span.start_ns, span.span_id))
        self.spans: dict[str, Span] = {}
        for span in earliest:
            self.spans.setdefault(span.span_id, span)
        self.parent = {i: self._known(span.parent_id) for i, span in self.spans.items()}
        self.orphans = {i for i, s in self.spans.items() if s.parent_id and not self.parent[i]}
        self.cut = _cut_circles(self.parent)
        self.children: defaultdict[str, list[str]] = defaultdict(list)
        for span_id, parent in self.parent.items():
            self.children[parent].append(span_id)
        self.order = list(_depth_first(self.children, ""))
        self.depth: dict[str, int] = {"": -1}
        self.moved: dict[str, int] = {"": 0}
        for span_id in self.order:
            self.depth[span_id] = self.depth[self.parent[span_id]] + 1
            self.moved[span_id] = self._moved(self.spans[span_id], self.parent[span_id])
        self.begin = min(map(self.start, self.spans))
        self.end = max(map(self.stop, self.spans))
        self.critical = self._critical()

    def start(self, span_id: str) -> int:
        return self.spans[span_id].start_ns + self.moved[span_id]

    def stop(self, span_id: str) -> int:
        return self.start(span_id) + self.spans[span_id].duration_ns

    def self_ns(self, span_id: str) -> int:
        """The time in which none of its children ran."""
        begin, end = self.start(span_id), self.stop(span_id)
        busy, reached = 0, begin
        for child in sorted(self.children[span_id], key=self.start):
            first, last = max(self.start(child), reached), min(self.stop(child), end)
            busy += max(last - first, 0)
            reached = max(reached, last)
        return end - begin - busy

    def _known(self, parent_id: str) -> str:
        return parent_id if parent_id in self.spans else ""

    def _moved(self, span: Span, parent: str) -> int:
        inherited = self.moved[parent]
        if not parent or self.spans[parent].service == span.service:
            return inherited
        begin, end = self.start(parent), self.stop(parent)
        start = span.start_ns
        is_late = self.spans[parent].kind == "client" and start + span.duration_ns > end
        if start >= begin and not is_late:
            return 0
        if span.kind in _ASYNC or span.duration_ns > end - begin:
            return max(begin - start, 0)
        return begin + (end - begin - span.duration_ns) // 2 - start

    def _critical(self) -> set[str]:
        """What the longest root waited for."""
        root = max(self.children[""], key=lambda i: self.spans[i].duration_ns)
        found: set[str] = set()
        waiting = [(root, self.stop(root))]
        while waiting:
            span_id, until = waiting.pop()
            found.add(span_id)
            waiting += self._last_children(span_id, until)
        return found

    def _last_children(self, span_id: str, until: int) -> Iterator[tuple[str, int]]:
        """Those the span waited for, the last one first, and until when each counts: one that was
        still under way when the span ended, as after a timeout, to that moment."""
        reached = until
        for child in sorted(self.children[span_id], key=self.stop, reverse=True):
            start, end = self.start(child), min(self.stop(child), until)
            if start <= end <= reached and self.spans[child].kind not in _ASYNC:
                yield child, end
                reached = start


def _cut_circles(parent: dict[str, str]) -> int:
    """Makes the earliest span of each circle of parents a root; how many circles there were."""
    place = {span_id: number for number, span_id in enumerate(parent)}
    settled: set[str] = {""}
    cut = 0
    for span_id in list(parent):
        path: dict[str, None] = {}
        at = span_id
        while at not in settled and at not in path:
            path[at] = None
            at = parent[at]
        if at not in settled:
            circle = list(path)[list(path).index(at) :]
            parent[min(circle, key=place.__getitem__)] = ""
            cut += 1
        settled.update(path)
    return cut


def _depth_first(children: Mapping[str, Sequence[str]], root: str) -> Iterator[str]:
    waiting = list(reversed(children.get(root, ())))
    while waiting:
        span_id = waiting.pop()
        yield span_id
        waiting += reversed(children.get(span_id, ()))


def _chosen(tree: _Tree, most: int) -> set[str]:
    """What is drawn when not all can be: the critical path and errors with the way to them, then
    what lies highest and took longest."""
    if len(tree.order) <= most:
        return set(tree.order)
    chosen: set[str] = set()
    telling = [i for i in tree.order if i in tree.critical or tree.spans[i].is_error]
    highest = sorted(tree.order, key=lambda i: (tree.depth[i], -tree.spans[i].duration_ns))
    for span_id in (*sorted(telling, key=lambda i: tree.depth[i]), *highest):
        way = _way(tree, span_id, chosen)
        if len(chosen) + len(way) <= most:
            chosen.update(way)
    return chosen


def _way(tree: _Tree, span_id: str, chosen: set[str]) -> list[str]:
    """The span and those above it that are not chosen yet."""
    way = []
    while span_id and span_id not in chosen:
        way.append(span_id)
        span_id = tree.parent[span_id]
    return way


def _row(tree: _Tree, span_id: str, shown: set[str]) -> Row:
    children = tree.children[span_id]
    hidden = [child for child in children if child not in shown]
    return Row(
        span=tree.spans[span_id],
        depth=tree.depth[span_id],
        start_ns=tree.start(span_id) - tree.begin,
        self_ns=tree.self_ns(span_id),
        moved_ns=tree.moved[span_id],
        is_critical=span_id in tree.critical,
        is_orphan=span_id in tree.orphans,
        has_children=len(hidden) < len(children),
        folded=sum(1 + sum(1 for _ in _depth_first(tree.children, child)) for child in hidden),
    )
