"""Exercise 4.8 · Sent twice, stored once

15 minutes, after section 9 of the notebook.
Check it: python3 -m workshop exercise 4.8

A page that gets no ``ack`` sends its message again, with the same key. The first one
may be stored already, by this process or by another one. Or another process stores it
just now. Change ``say``, so that each message is stored once, and its id is returned
each time. The database refuses the same room, author and key a second time: that is its
constraint ``stored_once``.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

import practice

practice.begin()

from chat.models import Message, Room
from django.db import IntegrityError, transaction


# ↓ Your turn begins here.
def say(room: Room, author: str, key: str, text: str) -> int:
    """Store the message, and return its id, also when it comes again.

    If the key was another text's, that text stays as it is, and 0 is returned.
    """
    message = Message.objects.create(
        room=room, author=author, name=author, key=key, text=text
    )
    return int(message.pk)


# ↑ Your turn ends here.


def main() -> None:
    room = Room.objects.get(slug="lobby")
    for text in ("hello", "hello", "good-bye"):
        try:
            print(text, "→", say(room, "guest-1", "a key", text))
        except Exception as error:
            print(text, "→", type(error).__name__, error)
    print("stored:", room.messages.count())


if __name__ == "__main__":
    main()
