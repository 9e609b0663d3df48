"""Version 1 of the API, to be included under `api/v1/`."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.routers import SimpleRouter

from aiops_site import api, api_docs, api_tokens
from aiops_site.dashboards import api as dashboards
from automation.api import urls as automation
from incidents.api import urls as incidents
from telemetry.api import urls as telemetry

router = SimpleRouter()
router.register("tokens", api_tokens.TokenViewSet)
router.register("dashboards", dashboards.DashboardViewSet)
app_name = "api"
urlpatterns = [
    *telemetry.urlpatterns,
    *incidents.urlpatterns,
    *automation.urlpatterns,
    *router.urls,
    path("schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("docs/", api_docs.show, name="docs"),
    re_path("", api.Unknown.as_view(), name="unknown"),
]
