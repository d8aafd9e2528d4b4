"""Exercise 4.5 · Told too soon

12 minutes, after section 6 of the notebook.
Check it: python3 -m workshop exercise 4.5

``say_all`` stores texts in a room, all or none, and tells the room each of them. But it
tells them inside the transaction: they are not committed yet, and they may never be.
Change ``say_all``. Each text is told once it is committed, in its order, also where the
caller has a transaction of its own around the call. A text that is rolled back is told
to nobody.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

import practice

practice.begin()

from chat.models import Message, Room
from django.db import transaction
from sockets.groups import groups


# ↓ Your turn begins here.
def say_all(room: Room, texts: Sequence[str]) -> None:
    """Store all texts or none; tell the group of the room each stored text."""
    with transaction.atomic():
        for text in texts:
            # The text is the key, too: the same text twice is an IntegrityError.
            Message.objects.create(room=room, name="Ann", text=text, key=text)
            groups.publish_sync(room.group, text)


# ↑ Your turn ends here.


def main() -> None:
    room = Room.objects.get(slug="lobby")
    try:
        say_all(room, ["one", "two", "one"])
    except Exception as error:
        print("nothing is stored:", error)
    print("stored:", room.messages.count())


if __name__ == "__main__":
    main()
