"""The five roles: groups that hold permissions. Which route needs which, each view says itself."""

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import connections
from django.db.models import Q

STAFF = ("editor", "admin")  # who also works in the admin, and so is staff to Django
APPS = ("telemetry", "incidents", "automation")
OWNERS = (*APPS, "aiops_site", "auth")


def _every(verbs: str, app: str, models: str) -> set[str]:
    return {f"{app}.{verb}_{model}" for model in models.split() for verb in verbs.split()}


VIEWING = (
    _every(
        "view",
        "telemetry",
        "service dependency series point watch anomaly change datasource topologyversion",
    )
    | _every("view", "incidents", "incident timelineentry savedview alert alertlink")
    | _every("view", "incidents", "correlationrule correlationlabel analysisstep snapshot message")
    | _every("view", "incidents", "integration knowledgearticle knownfix fixoutcome")
    | _every("view", "automation", "runbook runbookversion connection healingpolicy")
    | _every("view", "automation", "policydecision automationswitch remediation approval")
    | _every("view", "automation", "execution steprun outputline")
    | _every("view", "aiops_site", "dashboard dashboardversion")
)
STOPPING = {"automation.stop_execution", "automation.pause_automation"}
RESPONDING = {
    "incidents.respond_incident",
    "automation.add_remediation",
    "telemetry.add_change",
}
APPROVING = {"automation.approve_remediation", "automation.resume_automation"}
EDITING = (
    _every("add change delete", "telemetry", "service dependency watch change datasource")
    | _every("add change delete", "incidents", "integration correlationrule")
    | _every("add change delete", "incidents", "knowledgearticle knownfix")
    | _every("add change delete", "automation", "runbook runbookversion healingpolicy")
    | _every("add change delete", "aiops_site", "dashboard")
    | {"incidents.change_message", "automation.publish_runbook"}
)

# None stands for everything there is.
ROLES: dict[str, set[str] | None] = {
    "viewer": VIEWING,
    "responder": VIEWING | RESPONDING | STOPPING,
    "approver": VIEWING | APPROVING | STOPPING,
    "editor": VIEWING | EDITING,
    "admin": None,
}


def sync_roles() -> None:
    """Makes the groups hold exactly what is said above; to repeat it changes nothing."""
    for app in OWNERS:
        create_permissions(apps.get_app_config(app), verbosity=0)
    for name, codenames in ROLES.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set(_permissions(codenames))


def sync_after_migrate(*, using: str, **_: Any) -> None:
    """For `post_migrate`; does nothing while the tables are not all there."""
    tables = connections[using].introspection.table_names()
    if {"auth_group", "auth_group_permissions", "automation_remediation"} <= set(tables):
        sync_roles()


def _permissions(codenames: Iterable[str] | None) -> list[Permission]:
    if codenames is None:
        return list(Permission.objects.filter(content_type__app_label__in=OWNERS))
    wanted = Q(pk__in=[])
    for name in codenames:
        app, _, codename = name.partition(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    return list(Permission.objects.filter(wanted))
