"""A person: a user or a guest, and the name that the others see."""

from dataclasses import dataclass
from secrets import token_hex
from typing import Any

GUEST = "guest"  # the session's key for a guest's number, of 16 hexadecimal digits
NAME = "name"  # the session's key for the name that a guest has chosen


@dataclass(frozen=True)
class Person:
    """A user or a guest. All windows of one browser's session are one guest.

    Attributes:
        user: Django's user; for a guest an ``AnonymousUser``.
        author: "user-5" or "guest-<number>"; "" for a guest who has no session.
        name: what the others see.
    """

    user: Any
    author: str
    name: str

    @property
    def group(self) -> str:
        """The group of all their websockets; without a session there is only one."""
        return self.author or self.name


def person_of(user: Any, session: Any) -> Person:
    """The person behind a request or a websocket.

    A guest's name ends with a mark, "zoë (guest-7b4c)". No user can have such a name,
    and two guests who choose the same one differ in it.

    Args:
        user: Django's user of the request.
        session: its session, which need not be stored.
    """
    if user.is_authenticated:
        return Person(user, f"user-{user.pk}", str(user.get_username()))

    number = session.get(GUEST)
    author = f"guest-{number}" if number else ""
    mark = f"guest-{(number or token_hex(2))[:4]}"
    chosen = session.get(NAME)
    name = f"{chosen} ({mark})" if chosen else mark
    return Person(user, author, name)


def know_guest(session: Any) -> None:
    """From now on this session is one guest, in all windows of its browser."""
    session.setdefault(GUEST, token_hex(8))
