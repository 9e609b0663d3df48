from telemetry.models.series import Anomaly, Point, Series, Watch
from telemetry.models.service import Dependency, Service

__all__ = ["Anomaly", "Dependency", "Point", "Series", "Service", "Watch"]
