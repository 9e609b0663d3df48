from django.urls import URLPattern, path

from telemetry import views

urlpatterns: list[URLPattern] = [
    path("services/", views.services, name="services"),
    path("services/<slug:slug>/", views.service, name="service"),
    path("services/<slug:slug>/edit/", views.edit, name="service-edit"),
    path("services/<slug:slug>/calls/", views.add_dependency, name="service-calls"),
    path(
        "services/<slug:slug>/calls/<slug:callee>/remove/",
        views.remove_dependency,
        name="service-calls-not",
    ),
]
