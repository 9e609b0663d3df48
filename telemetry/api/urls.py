from rest_framework.routers import SimpleRouter

from telemetry.api import views

router = SimpleRouter()
router.register("services", views.ServiceViewSet)
router.register("dependencies", views.DependencyViewSet)
router.register("anomalies", views.AnomalyViewSet)
router.register("metrics", views.MetricViewSet, basename="metric")
urlpatterns = router.urls
