from django.urls import URLPattern, path

from automation.views import (
    approvals,
    backtest,
    executions,
    pausing,
    policies,
    proposing,
    remediations,
    runbooks,
)

urlpatterns: list[URLPattern] = [
    path(
        "incidents/<int:number>/remediations/",
        remediations.of_incident,
        name="incident-remediations",
    ),
    path(
        "incidents/<int:number>/remediations/propose/",
        proposing.propose,
        name="propose-remediation",
    ),
    path("remediations/<int:pk>/", remediations.remediation, name="remediation"),
    path("remediations/<int:pk>/approve/", remediations.approve, name="remediation-approve"),
    path("remediations/<int:pk>/reject/", remediations.reject, name="remediation-reject"),
    path("approvals/", approvals.approvals, name="approvals"),
    path("approvals/reject/", approvals.reject_several, name="approvals-reject"),
    path("approvals/<int:pk>/row/", approvals.row, name="approval-row"),
    path("executions/<int:pk>/", executions.execution, name="execution"),
    path("executions/<int:pk>/stop/", executions.stop, name="execution-stop"),
    path(
        "executions/<int:pk>/steps/<int:step_id>/settle/",
        executions.settle,
        name="execution-settle",
    ),
    path("runbooks/", runbooks.runbooks, name="runbooks"),
    path("runbooks/<slug:name>/", runbooks.runbook, name="runbook"),
    path("runbooks/<slug:name>/difference/", runbooks.difference, name="runbook-difference"),
    path("runbooks/<slug:name>/text/", runbooks.text, name="runbook-text"),
    path("policies/", policies.policies, name="policies"),
    path("policies/new/", policies.new, name="policy-new"),
    path("policies/backtest/", backtest.show, name="policy-backtest"),
    path("policies/matching/", policies.matches, name="policy-matching"),
    path("policies/parameters/", policies.parameters, name="policy-parameters"),
    path("policies/<int:pk>/", policies.policy, name="policy"),
    path("automation/pause/", pausing.pause, name="automation-pause"),
    path("automation/resume/", pausing.resume, name="automation-resume"),
]
