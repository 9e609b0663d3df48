from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.routers import SimpleRouter

from aiops_site import api, api_docs, api_tokens
from automation.api import urls as automation
from incidents.api import urls as incidents
from telemetry.api import urls as telemetry

router = SimpleRouter()
router.register("tokens", api_tokens.TokenViewSet)
version_1 = [
    *telemetry.urlpatterns,
    *incidents.urlpatterns,
    *automation.urlpatterns,
    *router.urls,
    path("schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("docs/", api_docs.show, name="docs"),
]
urlpatterns = [
    path("api/v1/", include((version_1, "api"))),
    re_path("^api/", api.Unknown.as_view(), name="api-unknown"),
]
