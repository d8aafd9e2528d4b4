"""``manage.py runserver`` that answers websockets, too: Django's own, around uvicorn.

Its options, its checks, its reloading and its static files stay as they are.
"""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.contrib.staticfiles.management.commands import runserver
from django.core.management import CommandError
from django.core.servers.basehttp import WSGIServer

from ...checks.application import site_application

SHUTDOWN_SECONDS = 5  # for open connections to end, when the server is told to


class ASGIServer(WSGIServer):
    """The listening socket is Django's, and uvicorn serves what connects to it."""

    def set_app(self, application: Any) -> None:
        self.application = application

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        try:
            import uvicorn
        except ModuleNotFoundError:
            raise CommandError("pip install 'uvicorn[standard]'") from None
        application: Any = self.application  # ASGI's; the base class has a WSGI one
        config = uvicorn.Config(application, timeout_graceful_shutdown=SHUTDOWN_SECONDS)
        uvicorn.Server(config).run(sockets=[self.socket])


class Command(runserver.Command):
    help = "Starts a development server for pages and websockets."
    server_cls = ASGIServer

    def get_handler(self, *args: Any, **options: Any) -> Any:
        """The site's ASGI application; with static files where Django serves them."""
        application = site_application()
        installed = apps.is_installed("django.contrib.staticfiles")
        wanted = options["use_static_handler"] and installed
        if wanted and (settings.DEBUG or options["insecure_serving"]):
            return ASGIStaticFilesHandler(application)
        return application
