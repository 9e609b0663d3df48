"""Pages of the sources that are asked in place, below `sources/asked/`."""

from django.urls import URLPattern, path

from telemetry import data_source_views as views

urlpatterns: list[URLPattern] = [
    path("", views.asked, name="asked-sources"),
    path("new/", views.new, name="asked-source-new"),
    path("<int:pk>/", views.source, name="asked-source"),
    path("<int:pk>/edit/", views.edit, name="asked-source-edit"),
    path("<int:pk>/test/", views.try_out, name="asked-source-test"),
    path("<int:pk>/question/", views.question, name="asked-source-question"),
    path("<int:pk>/switch/", views.switch, name="asked-source-switch"),
    path("<int:pk>/delete/", views.delete, name="asked-source-delete"),
]
