"""Exercise 4.1 · Too early

8 minutes, after section 1 of the notebook.
Check it: python3 -m workshop exercise 4.1

The lines of an ``asgi.py``, in a function so that you can run them. They stand in the
wrong order, and the module of ``room`` imports models. Bring them into an order in
which they work, with no line more and no line less.
"""

import os
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent))


# ↓ Your turn begins here.
def load() -> tuple[Any, Any]:
    """Django's application, and the handler of the chat's rooms."""
    from chat.handlers import room
    from django.core.asgi import get_asgi_application

    django_application = get_asgi_application()
    os.environ["DJANGO_SETTINGS_MODULE"] = "websocket_app.settings"
    return django_application, room


# ↑ Your turn ends here.


if __name__ == "__main__":
    print(*load())
