from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from incidents.views import (
    alerts,
    bulk,
    bulk_matching,
    declaring,
    export,
    incident,
    knowledge,
    peek,
    saved_views,
    suggest,
)
from incidents.views import list as incident_list

ONE = "incidents/INC-<int:number>"
urlpatterns: list[URLPattern | URLResolver] = [
    path("incidents/", incident_list.incidents, name="incidents"),
    path("incidents/head/", incident_list.head, name="incident-head"),
    path("incidents/declare/", declaring.declare, name="incident-declare"),
    path("incidents/suggest/", suggest.suggest, name="incident-suggest"),
    path("incidents/export/", export.export, name="incident-export"),
    path("incidents/matching/", bulk_matching.matching, name="incident-matching"),
    path("incidents/bulk/", bulk.bulk, name="incident-bulk"),
    path("incidents/bulk/<int:pk>/", bulk_matching.progress, name="incident-bulk-progress"),
    path("incidents/bulk/<int:pk>/undo/", bulk_matching.undo_matching, name="incident-bulk-undo"),
    path("incidents/undo/<str:token>/", bulk.undo, name="incident-undo"),
    path("incidents/views/", saved_views.save_view, name="incident-save-view"),
    path("incidents/views/<int:pk>/delete/", saved_views.delete_view, name="incident-delete-view"),
    path("incidents/<int:number>/", RedirectView.as_view(pattern_name="incident")),
    path("incidents/<int:number>/peek/", peek.peek, name="incident-peek"),
    path("incidents/<int:number>/row/", incident_list.row, name="incident-row"),
    path(f"{ONE}/", incident.incident, name="incident"),
    path(f"{ONE}/changes/", incident.changes, name="incident-changes"),
    path(f"{ONE}/timeline/", incident.timeline, name="incident-timeline"),
    path(f"{ONE}/remediation/", RedirectView.as_view(pattern_name="incident-remediations")),
    path(f"{ONE}/alerts/", incident.section, {"name": "alerts"}, name="incident-alerts"),
    path(f"{ONE}/find/", incident.search_knowledge, name="incident-knowledge"),
    path(f"{ONE}/analyse/", incident.analyse_again, name="incident-analyse"),
    path(f"{ONE}/judge/", incident.judge, name="incident-judge"),
    path(f"{ONE}/do/<slug:verb>/", incident.act, name="incident-act"),
    path(f"{ONE}/<slug:name>/", incident.section, name="incident-section"),
    path("alerts/", alerts.alerts, name="alerts"),
    path("alerts/<int:pk>/", alerts.alert, name="alert"),
    path("knowledge/", knowledge.knowledge, name="knowledge"),
    path("knowledge/<int:pk>/", knowledge.article, name="article"),
    path("", include("incidents.source_urls")),
]
