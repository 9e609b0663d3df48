from telemetry.models.change import Change
from telemetry.models.series import Anomaly, Point, Series, Watch
from telemetry.models.service import Dependency, Service
from telemetry.models.source import DataSource
from telemetry.models.topology import TopologyVersion

__all__ = [
    "Anomaly",
    "Change",
    "DataSource",
    "Dependency",
    "Point",
    "Series",
    "Service",
    "TopologyVersion",
    "Watch",
]
