"""The pages without the websockets, for a WSGI server.

Only the layout with two services needs it: ``deployment/README.md``, "Pages and
websockets apart". Everywhere else ``asgi.py`` serves both.
"""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "websocket_app.settings")
application = get_wsgi_application()
