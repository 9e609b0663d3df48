import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aiops_site.settings")
django_application = get_asgi_application()  # before anything that imports models

from django.urls import path  # noqa: E402

from aiops_site.front_door import FrontDoor  # noqa: E402
from aiops_site.live import LiveConsumer  # noqa: E402

sockets = AllowedHostsOriginValidator(
    AuthMiddlewareStack(URLRouter([path("ws/live/", LiveConsumer.as_asgi())]))
)
application = ProtocolTypeRouter({"http": FrontDoor(django_application), "websocket": sockets})
