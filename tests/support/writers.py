"""Write to a room from a process of its own: ``python -m tests.support.writers NAME``.

It says 20 things, 10 of them with keys that the other writers use, too. It begins when
it is told to, by a line, and prints the id of each key at the end.
"""

import json
import sys

import django

django.setup()

from chat.models import Room  # noqa: E402
from chat.names import Person  # noqa: E402
from django.contrib.auth.models import AnonymousUser  # noqa: E402

me = Person(AnonymousUser(), "", sys.argv[1])
room = Room.objects.get(slug="lobby")
print("ready", flush=True)
input()
keys = [key for n in range(10) for key in (f"shared {n}", f"{me.name} {n}")]
print(json.dumps({key: room.say(me, key, key) for key in keys}))
