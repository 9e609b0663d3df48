from django.urls import URLPattern, URLResolver, include, path, re_path

from telemetry import import_views, service_tabs, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("explore/", include("telemetry.explore.urls")),
    path("sources/asked/", include("telemetry.data_source_urls")),
    path("services/import/", import_views.import_catalog, name="service-import"),
    path("services/<slug:slug>/", service_tabs.overview, name="service"),
    path("services/<slug:slug>/metrics/", service_tabs.metrics, name="service-metrics"),
    re_path(
        r"^services/(?P<slug>[-a-zA-Z0-9_]+)/metrics/(?P<pk>[0-9]{1,18})/watch/$",
        views.watch,
        name="service-watch",
    ),
    path("services/<slug:slug>/logs/", service_tabs.logs, name="service-logs"),
    path("services/<slug:slug>/changes/", service_tabs.changes, name="service-changes"),
    path(
        "services/<slug:slug>/dependencies/",
        service_tabs.dependencies,
        name="service-dependencies",
    ),
    path("services/<slug:slug>/incidents/", service_tabs.incidents, name="service-incidents"),
    path("services/<slug:slug>/settings/", service_tabs.settings, name="service-settings"),
    path("services/<slug:slug>/edit/", views.edit, name="service-edit"),
    path("services/<slug:slug>/calls/", views.add_dependency, name="service-calls"),
    path(
        "services/<slug:slug>/calls/<slug:callee>/remove/",
        views.remove_dependency,
        name="service-calls-not",
    ),
]
