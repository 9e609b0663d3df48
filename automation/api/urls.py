from django.urls import path
from rest_framework.routers import SimpleRouter

from automation.api import policies, runbooks, views

router = SimpleRouter()
router.register("remediations", views.RemediationViewSet)
router.register("executions", views.ExecutionViewSet)
router.register("runbooks", runbooks.RunbookViewSet)
router.register("policies", policies.PolicyViewSet)
switch = policies.SwitchViewSet
urlpatterns = [
    path("automation/", switch.as_view({"get": "show"}), name="automation"),
    path("automation/pause/", switch.as_view({"post": "pause"}), name="automation-pause"),
    path("automation/resume/", switch.as_view({"post": "resume"}), name="automation-resume"),
    *router.urls,
]
