"""What the telemetry app tells the apps above it. Sent after commit."""

from django.dispatch import Signal

points_judged = Signal()  # services: set[str]
anomaly_began = Signal()  # anomaly_id: int
anomaly_ended = Signal()  # anomaly_id: int
