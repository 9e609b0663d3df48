"""Every product whose webhooks are read. A new one is a module, a line here, and a payload."""

from collections.abc import Mapping
from typing import Any

from incidents.providers.alertmanager import Alertmanager
from incidents.providers.argocd import ArgoCD
from incidents.providers.base import Provider
from incidents.providers.generic import Generic
from incidents.providers.github import GitHub
from incidents.providers.grafana import Grafana
from incidents.providers.kubernetes import Kubernetes
from incidents.providers.pagerduty import PagerDuty

PROVIDERS: dict[str, type[Provider]] = {
    "alertmanager": Alertmanager,
    "grafana": Grafana,
    "pagerduty": PagerDuty,
    "github": GitHub,
    "argocd": ArgoCD,
    "kubernetes": Kubernetes,
    "generic": Generic,
}


class UnknownProvider(LookupError):
    """The message names the providers there are."""


def provider_for(slug: str, settings: Mapping[str, Any] | None = None) -> Provider:
    """Raises UnknownProvider, or UnreadablePayload where ``settings`` make no sense."""
    if slug not in PROVIDERS:
        known = ", ".join(sorted(PROVIDERS))
        raise UnknownProvider(f"There is no provider “{slug}”. There are: {known}.")
    return PROVIDERS[slug].configured(settings or {})
