"""What can be asked in place, by the name a data source gives as its kind."""

from telemetry.sources.base import RemoteSource
from telemetry.sources.cloudwatch import CloudWatch
from telemetry.sources.datadog import Datadog
from telemetry.sources.elasticsearch import Elasticsearch
from telemetry.sources.jaeger import Jaeger
from telemetry.sources.loki import Loki
from telemetry.sources.prometheus import Prometheus
from telemetry.sources.tempo import Tempo

SOURCES: dict[str, type[RemoteSource]] = {
    "prometheus": Prometheus,
    "loki": Loki,
    "jaeger": Jaeger,
    "tempo": Tempo,
    "elasticsearch": Elasticsearch,
    "datadog": Datadog,
    "cloudwatch": CloudWatch,
}
