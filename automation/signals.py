"""What the automation app tells the apps above it. Sent after commit; carries primary keys only."""

from django.dispatch import Signal

execution_spoke = Signal()  # execution_id: int
remediation_changed = Signal()  # remediation_id: int, number: int
execution_ready = Signal()  # execution_id: int
execution_verifiable = Signal()  # execution_id: int
execution_finished = Signal()  # execution_id: int
