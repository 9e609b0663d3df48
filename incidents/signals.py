"""What the incidents app tells the apps above it. Sent after commit; carries primary keys only."""

from django.dispatch import Signal

timeline_grew = Signal()  # number: int
incident_changed = Signal()  # number: int, kind: str
incident_opened = Signal()  # number: int
incident_resolved = Signal()  # number: int
analysis_finished = Signal()  # number: int
message_settled = Signal()  # integration: int
