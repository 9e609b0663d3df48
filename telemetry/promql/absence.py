"""`absent` and `absent_over_time`: one where nothing is, with the labels it would have had."""

import numpy as np
import promql_parser as promql

from telemetry.promql.vectors import NAME, Labels, Mask, Vector


def absent(is_there: Mask, asked: promql.Expr) -> Vector:
    """`is_there` is (s,); `asked` is the expression that was looked at."""
    return Vector([_labels(asked)], np.ones((1, is_there.size)), ~is_there[None, :])


def _labels(asked: promql.Expr) -> Labels:
    """What a selector demands by `=`; a label that it names twice is left out."""
    while isinstance(asked, promql.ParenExpr):
        asked = asked.expr
    if isinstance(asked, promql.MatrixSelector):
        asked = asked.vector_selector
    if not isinstance(asked, promql.VectorSelector):
        return {}
    labels: dict[str, str] = {}
    named: set[str] = set()
    for matcher in asked.matchers.matchers:
        labels.pop(matcher.name, None)
        if matcher.op == promql.MatchOp.Equal and matcher.name not in named:
            labels[matcher.name] = matcher.value
            named.add(matcher.name)
    return {name: value for name, value in labels.items() if value and name != NAME}
