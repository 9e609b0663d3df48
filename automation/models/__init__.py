from automation.models.execution import Execution, OutputLine, StepRun
from automation.models.policy import AutomationSwitch, HealingPolicy, PolicyDecision
from automation.models.remediation import Approval, Remediation
from automation.models.runbook import Connection, Runbook, RunbookVersion

__all__ = [
    "Approval",
    "AutomationSwitch",
    "Connection",
    "Execution",
    "HealingPolicy",
    "OutputLine",
    "PolicyDecision",
    "Remediation",
    "Runbook",
    "RunbookVersion",
    "StepRun",
]
