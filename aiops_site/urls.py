from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from aiops_site.views import health, signing_in

handler500 = "aiops_site.views.errors.failed"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="incidents"), name="start"),
    path("", include("incidents.urls")),
    path("", include("automation.urls")),
    path("", include("telemetry.urls")),
    path("", include("aiops_site.pages")),
    path("login/", signing_in.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("setup/<str:token>/", signing_in.setup, name="setup"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("aiops_site.api_urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("csp-report/", health.csp_report, name="csp-report"),
]
