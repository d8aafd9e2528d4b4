"""Who somebody is, and what they are called."""

from dataclasses import dataclass
from secrets import token_hex
from typing import Any

GUEST = "guest"  # the session's key for a guest's number, of 16 digits
NAME = "name"  # and for the name that they have chosen


@dataclass(frozen=True)
class Person:
    """A user, or a guest: whoever has one session is one guest."""

    user: Any
    author: str  # "user-5" or "guest-<number>"; "" for a guest who has no session
    name: str  # what the others see

    @property
    def group(self) -> str:
        """The group of all their websockets; without a session there is only one."""
        return self.author or self.name


def person_of(user: Any, session: Any) -> Person:
    """Who this is. A guest's name ends with what no user's can have: (guest-7b4c)."""
    if user.is_authenticated:
        return Person(user, f"user-{user.pk}", str(user.get_username()))
    number = session.get(GUEST)
    mark, name = f"guest-{(number or token_hex(2))[:4]}", session.get(NAME)
    author = f"guest-{number}" if number else ""
    return Person(user, author, f"{name} ({mark})" if name else mark)


def know_guest(session: Any) -> None:
    """From now on this session is one guest, in all windows of its browser."""
    session.setdefault(GUEST, token_hex(8))
