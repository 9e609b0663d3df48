from django.urls import URLPattern, path

from aiops_site.dashboards.views import editing, history, importing, listing, showing

urlpatterns: list[URLPattern] = [
    path("dashboards/", listing.dashboards, name="dashboards"),
    path("dashboards/new/", listing.new, name="dashboard-new"),
    path("dashboards/import/", importing.bring_in, name="dashboard-import"),
    path("dashboards/preview/", editing.preview, name="dashboard-preview"),
    path("dashboards/<slug:slug>/", showing.dashboard, name="dashboard"),
    path("dashboards/<slug:slug>/panels/<int:number>/", showing.panel, name="dashboard-panel"),
    path("dashboards/<slug:slug>/edit/", editing.edit, name="dashboard-edit"),
    path("dashboards/<slug:slug>/draft/", editing.draft, name="dashboard-draft"),
    path("dashboards/<slug:slug>/versions/", history.versions, name="dashboard-versions"),
    path(
        "dashboards/<slug:slug>/versions/<int:number>/restore/",
        history.restore,
        name="dashboard-restore",
    ),
    path("dashboards/<slug:slug>/copy/", history.copy, name="dashboard-copy"),
    path("dashboards/<slug:slug>/share/", history.share, name="dashboard-share"),
    path("dashboards/<slug:slug>/delete/", history.delete, name="dashboard-delete"),
    path("dashboards/<slug:slug>/export/", history.export, name="dashboard-export"),
]
