from django.apps import AppConfig


class TinySite(AppConfig):
    """The site's commands without its receivers."""

    name = "aiops_site"
    label = "tiny"

    def import_models(self):
        self.models = {}
