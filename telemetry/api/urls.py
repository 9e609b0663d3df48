from django.urls import path
from rest_framework.routers import SimpleRouter

from telemetry.api import changes, data_sources, topology, views

router = SimpleRouter()
router.register("services", views.ServiceViewSet)
router.register("dependencies", views.DependencyViewSet)
router.register("anomalies", views.AnomalyViewSet)
router.register("metrics", views.MetricViewSet, basename="metric")
router.register("changes", changes.ChangeViewSet)
router.register("sources", data_sources.DataSourceViewSet)
router.register("topology-versions", topology.TopologyVersionViewSet)
urlpatterns = [
    path("topology/weak-points/", topology.WeakPointsView.as_view(), name="weak-points"),
    path("topology/import/", topology.CatalogView.as_view(), name="catalog-import"),
    *router.urls,
]
