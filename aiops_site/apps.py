from django.apps import AppConfig

from aiops_site.celery import app as celery_app

__all__ = ["SiteConfig", "celery_app"]  # the tasks of every app need the one Celery application


class SiteConfig(AppConfig):
    name = "aiops_site"
    verbose_name = "Console"

    def ready(self) -> None:
        import aiops_site.receivers  # noqa: F401
