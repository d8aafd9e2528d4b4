"""What somebody is called."""

from secrets import token_hex
from typing import Any

NAME = "name"  # the session's key for a guest's name


def made_up() -> str:
    """A name for a guest who has not chosen one."""
    return f"guest-{token_hex(2)}"


def name_of(user: Any, session: Any) -> str:
    """A user's own name; a guest's chosen one, or one made up for this time."""
    if user.is_authenticated:
        return str(user.get_username())
    return str(session.get(NAME) or made_up())
