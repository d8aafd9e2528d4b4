"""``SOCKETS["REDIS_URL"]``: where it is set, Redis is the carrier of groups.

This file imports the package ``redis`` only then. Nobody else needs it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..conf import conf
from ..groups import Carrier
from ..members import Members

if TYPE_CHECKING:
    from .carrier import Redis


def carrier_for(here: Members) -> Callable[[], Carrier | None]:
    """A function that gives the carrier of these members, or None.

    The settings are asked at each call: a wrong one is an error where groups are used,
    and ``manage.py check`` can still say what is wrong. Tests change them.
    """
    made: dict[tuple[str, float], Redis] = {}

    def find() -> Carrier | None:
        settings = conf()
        if not settings.REDIS_URL:
            return None
        key = (settings.REDIS_URL, settings.PUBLISH_SECONDS)
        if key not in made:
            from .carrier import Redis

            made[key] = Redis(here, settings)
        return made[key]

    return find
