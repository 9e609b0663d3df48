"""Dashboards and what they show, for the tests of both folders."""

import time

import numpy as np

from aiops_site.dashboards import keeping
from aiops_site.dashboards.document import load
from telemetry import own_metrics, own_records
from telemetry.records import LogRecord
from telemetry.store.frames import Batch

REQUESTS = "http_server_request_duration_seconds_count"


def measure():
    """Two services that answer 2 and 3 requests a second, in the last ten minutes."""
    now_ms = int(time.time()) // 10 * 10_000
    at_ms = np.arange(now_ms - 600_000, now_ms + 1, 10_000)
    labels = [{"__name__": REQUESTS, "job": job} for job in ("checkout", "store")]
    values = [at_ms / 1000 * rate for rate in (2.0, 3.0)]
    batch = Batch(
        labels,
        np.repeat(np.arange(2), at_ms.size),
        np.tile(at_ms, 2),
        np.concatenate(values),
    )
    own_metrics.store().append(batch)
    record = LogRecord(now_ms * 1_000_000, "checkout", 17, "card <b>refused</b>")
    own_records.logs().append([record])


def rate(**fields):
    expr = f'sum by (job) (rate({REQUESTS}{{job=~"$service"}}[$__rate_interval]))'
    return {
        "type": "metric",
        "title": "Rate of $service",
        "queries": [{"expr": expr, "legend": "{{job}}"}],
        "unit": "/s",
        **fields,
    }


def shop(*panels, **fields):
    """A document with the variable `service`."""
    variable = {
        "name": "service",
        "kind": "label",
        "label": "job",
        "selector": REQUESTS,
        "many": True,
    }
    return load({"title": "Shop", "variables": [variable], "panels": list(panels), **fields})


def made(document, owner, **fields):
    return keeping.create(document, owner=owner, **fields)
