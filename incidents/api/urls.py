from django.urls import path
from rest_framework.routers import SimpleRouter

from incidents.api import configuration_views, evidence, knowledge, series, service_health, views

router = SimpleRouter()
router.register("incidents", views.IncidentViewSet)
router.register(
    "incidents/(?P<number>[0-9]{1,18})/evidence",
    evidence.EvidenceViewSet,
    basename="incident-evidence",
)
router.register("alerts", views.AlertViewSet)
router.register("integrations", configuration_views.IntegrationViewSet)
router.register("messages", configuration_views.MessageViewSet)
router.register("correlation-rules", configuration_views.CorrelationRuleViewSet)
router.register("saved-views", configuration_views.SavedViewViewSet)
router.register("knowledge", knowledge.ArticleViewSet)
router.register("known-fixes", knowledge.KnownFixViewSet)
router.register("service-health", service_health.ServiceHealthViewSet, basename="service-health")
urlpatterns = [
    path("series/", series.SeriesView.as_view(), name="series"),
    path("series/figure/", series.FigureView.as_view(), name="series-figure"),
    *router.urls,
]
