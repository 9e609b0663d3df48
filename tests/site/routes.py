"""Who may ask what of the console: every route and method, with the roles that are let in.

A new route needs a line here, or `test_roles` fails. Being let in means neither 401 nor 403 nor a
way to the sign-in page; whether there is anything to see is another matter.
"""

ROLES = ("viewer", "responder", "approver", "editor", "admin")
STRANGER, TOKEN = "stranger", "token of a viewer"
CALLERS = (STRANGER, TOKEN, *ROLES)

ANYBODY = frozenset(CALLERS)
PEOPLE = frozenset(ROLES)  # with a session
VIEWERS = frozenset({TOKEN, *ROLES})  # over the API
RESPONDERS = frozenset({"responder", "admin"})
STOPPERS = frozenset({"responder", "approver", "admin"})
APPROVERS = frozenset({"approver", "admin"})
EDITORS = frozenset({"editor", "admin"})
NOBODY: frozenset[str] = frozenset()

Table = dict[tuple[str, str], frozenset[str]]


def rows(allowed: frozenset[str], methods: str, names: str, prefix: str = "") -> Table:
    return {
        (f"{prefix}{name}", method): allowed for name in names.split() for method in methods.split()
    }


API: Table = {
    **rows(
        VIEWERS,
        "GET",
        "alert-list alert-detail incident-list incident-detail incident-timeline incident-analysis "
        "incident-evidence-list incident-evidence-figure "
        "remediation-list remediation-detail execution-list execution-detail execution-output "
        "runbook-list runbook-detail runbook-versions runbook-document-schema "
        "healingpolicy-list healingpolicy-detail automation "
        "service-list service-detail dependency-list dependency-detail "
        "anomaly-list anomaly-detail metric-list series series-figure change-list change-detail "
        "knowledgearticle-list knowledgearticle-detail knowledgearticle-search "
        "knownfix-list knownfix-detail integration-list integration-detail "
        "message-list message-detail correlationrule-list correlationrule-detail "
        "savedview-list savedview-detail apitoken-list apitoken-detail",
        "api:",
    ),
    **rows(VIEWERS, "POST", "savedview-list runbook-preview", "api:"),
    **rows(VIEWERS, "PUT PATCH DELETE", "savedview-detail", "api:"),
    **rows(PEOPLE, "POST", "apitoken-list", "api:"),
    **rows(PEOPLE, "DELETE", "apitoken-detail", "api:"),
    **rows(
        RESPONDERS,
        "POST",
        "incident-list "
        "incident-transition incident-acknowledge incident-assign incident-comment incident-merge "
        "incident-split incident-move incident-snooze incident-severity incident-title "
        "incident-judge incident-pin "
        "remediation-list",
        "api:",
    ),
    **rows(RESPONDERS | EDITORS, "POST", "change-list", "api:"),
    **rows(STOPPERS, "POST", "execution-stop automation-pause", "api:"),
    **rows(
        APPROVERS,
        "POST",
        "remediation-approve remediation-reject execution-settle automation-resume",
        "api:",
    ),
    **rows(
        EDITORS,
        "POST",
        "service-list dependency-list catalog-import "
        "knowledgearticle-list correlationrule-list integration-list "
        "integration-rotate integration-revoke message-replay runbook-list runbook-versions "
        "runbook-publish healingpolicy-list",
        "api:",
    ),
    **rows(
        EDITORS,
        "PUT PATCH",
        "service-detail knowledgearticle-detail correlationrule-detail integration-detail "
        "runbook-detail healingpolicy-detail",
        "api:",
    ),
    **rows(
        EDITORS,
        "DELETE",
        "service-detail dependency-detail knowledgearticle-detail correlationrule-detail "
        "healingpolicy-detail",
        "api:",
    ),
    **rows(VIEWERS, "GET", "weak-points topologyversion-list topologyversion-detail", "api:"),
    **rows(VIEWERS, "GET", "topologyversion-difference service-health-list", "api:"),
    **rows(VIEWERS, "GET", "datasource-list datasource-detail", "api:"),
    **rows(EDITORS, "POST", "datasource-list datasource-test", "api:"),
    **rows(EDITORS, "PUT PATCH DELETE", "datasource-detail", "api:"),
    **rows(VIEWERS, "GET", "dashboard-list dashboard-detail dashboard-export", "api:"),
    **rows(VIEWERS, "GET", "dashboard-document-schema", "api:"),
    **rows(EDITORS, "POST", "dashboard-list dashboard-import", "api:"),
    **rows(EDITORS, "PUT PATCH DELETE", "dashboard-detail", "api:"),
    **rows(ANYBODY, "GET", "schema", "api:"),
    **rows(PEOPLE, "GET", "docs", "api:"),
    **rows(ANYBODY, "GET POST PUT PATCH DELETE", "unknown", "api:"),
}
PAGES: Table = {
    **rows(ANYBODY, "GET POST", "login"),
    **rows(PEOPLE, "POST", "logout"),
    **rows(ANYBODY, "GET", "setup healthz readyz metrics"),
    **rows(ANYBODY, "POST", "csp-report"),
    **rows(ANYBODY, "GET", "robots"),
    **rows(EDITORS, "GET", "admin:index"),
    **rows(
        PEOPLE,
        "GET",
        "start incidents incident-head incident-row incident-peek incident-suggest incident-export "
        "incident incident-changes incident-alerts "
        "incident-knowledge incident-section incident-timeline alerts alert alert-raw "
        "knowledge article "
        "sources source-new source source-dead source-latest source-delivery "
        "services service service-metrics service-logs service-changes service-dependencies "
        "service-incidents service-settings map map-state map-changes map-weak-points "
        "welcome status estate profile search "
        "explore explore-metrics explore-metrics-csv explore-suggest explore-logs "
        "explore-log-counts explore-logs-newer explore-patterns explore-traces explore-trace "
        "explore-span "
        "incident-remediations remediation approvals approval-row execution "
        "runbooks runbook runbook-difference runbook-text "
        "policies policy policy-matching policy-parameters policy-backtest",
    ),
    **rows(
        PEOPLE,
        "POST",
        "incident-save-view incident-delete-view welcome-dismiss "
        "token-new token-revoke session-end",
    ),
    **rows(PEOPLE, "GET POST", "password_change"),
    **rows(
        RESPONDERS,
        "POST",
        "incident-bulk incident-undo incident-analyse incident-act incident-judge "
        "estate-fault estate-clear",
    ),
    **rows(RESPONDERS, "GET", "incident-matching incident-bulk-progress"),
    **rows(RESPONDERS, "POST", "incident-bulk-undo"),
    **rows(RESPONDERS, "GET POST", "incident-declare propose-remediation"),
    **rows(STOPPERS, "POST", "execution-stop automation-pause"),
    **rows(
        APPROVERS,
        "POST",
        "remediation-approve remediation-reject approvals-reject execution-settle "
        "automation-resume",
    ),
    **rows(
        EDITORS,
        "POST",
        "source-new source-rotate source-revoke source-switch source-test "
        "source-mapping-preview "
        "source-delivery-replay source-delivery-discard source-dead-all "
        "service-edit service-calls service-calls-not service-watch",
    ),
    **rows(EDITORS, "GET POST", "service-import policy-new source-mapping"),
    **rows(
        PEOPLE, "GET", "dashboards dashboard dashboard-panel dashboard-versions dashboard-export"
    ),
    **rows(EDITORS, "GET POST", "dashboard-new dashboard-import dashboard-edit"),
    **rows(
        EDITORS,
        "POST",
        "dashboard-preview dashboard-draft dashboard-restore dashboard-copy dashboard-share "
        "dashboard-delete",
    ),
    **rows(PEOPLE, "GET", "asked-sources asked-source asked-source-question"),
    **rows(EDITORS, "GET POST", "asked-source-new asked-source-edit"),
    **rows(EDITORS, "POST", "asked-source-test asked-source-switch asked-source-delete"),
}
ROUTES: Table = {**API, **PAGES}

# Served in front of Django: an integration's token opens them, nobody's role does.
INTAKE = {
    ("/api/v1/webhooks/{provider}/", "POST"): 401,
    ("/api/v1/webhooks/{provider}", "POST"): 401,
    ("/api/v1/webhooks/{provider}/{token}/", "POST"): 401,
    ("/api/v1/webhooks/{provider}/{token}", "POST"): 401,
    ("/v2/enqueue", "POST"): 400,
    ("/v2/change/enqueue", "POST"): 400,
    ("/v1/metrics", "POST"): 401,
    ("/v1/logs", "POST"): 401,
    ("/v1/traces", "POST"): 401,
    ("/prometheus/api/v1/write", "POST"): 401,
}

# Served in front of Django too: an API token of any role opens them, a session does not.
QUERIES = {
    ("/prometheus/api/v1/query", "GET"),
    ("/prometheus/api/v1/query", "POST"),
    ("/prometheus/api/v1/query_range", "GET"),
    ("/prometheus/api/v1/query_range", "POST"),
    ("/prometheus/api/v1/labels", "GET"),
    ("/prometheus/api/v1/labels", "POST"),
    ("/prometheus/api/v1/series", "GET"),
    ("/prometheus/api/v1/series", "POST"),
    ("/prometheus/api/v1/label/{name}/values", "GET"),
    ("/prometheus/api/v1/metadata", "GET"),
    ("/prometheus/api/v1/status/buildinfo", "GET"),
}

# Unsafe and not guarded by a CSRF token: who posts here has no session that matters.
WITHOUT_CSRF = {"csp-report", "api:unknown"}

TOPICS: dict[str, frozenset[str]] = dict.fromkeys(
    ("incident", "incidents", "series", "execution", "approvals", "sources"), PEOPLE
)

# What stands in an address where nothing is looked up before the permission is.
ARGUMENTS = {
    "pk": 999_999_999,
    "number": 999_999_999,
    "step_id": 999_999_999,
    "slug": "nowhere",
    "name": "nothing",
    "token": "none",
    "verb": "acknowledge",
    "callee": "nowhere",
    "trace_id": "00000000000000000000000000000000",
}
