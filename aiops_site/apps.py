from django.apps import AppConfig
from django.db.models.signals import post_migrate

from aiops_site.celery import app as celery_app

__all__ = ["SiteConfig", "celery_app"]  # the tasks of every app need the one Celery application


class SiteConfig(AppConfig):
    name = "aiops_site"
    verbose_name = "Console"

    def ready(self) -> None:
        import aiops_site.receivers  # noqa: F401
        from aiops_site.roles import sync_after_migrate

        post_migrate.connect(sync_after_migrate, sender=self)
