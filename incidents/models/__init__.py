from incidents.models.alert import Alert, AlertLink, CorrelationLabel, CorrelationRule
from incidents.models.analysis import AnalysisStep, Snapshot
from incidents.models.bulk import BulkDeed
from incidents.models.cause import CauseLabel
from incidents.models.inbox import Message
from incidents.models.incident import Incident, SavedView, TimelineEntry
from incidents.models.integration import Integration
from incidents.models.knowledge import FixOutcome, KnowledgeArticle, KnownFix
from incidents.models.severity import Severity, worst

__all__ = [
    "Alert",
    "AlertLink",
    "AnalysisStep",
    "BulkDeed",
    "CauseLabel",
    "CorrelationLabel",
    "CorrelationRule",
    "FixOutcome",
    "Incident",
    "Integration",
    "KnowledgeArticle",
    "KnownFix",
    "Message",
    "SavedView",
    "Severity",
    "Snapshot",
    "TimelineEntry",
    "worst",
]
