"""A websocket's place in its room's group: first the history, then what is new.

1. The group is joined before the history is read, so nothing is missed between the two.
   What the group says meanwhile is held.
2. The history goes out, then what was held, and from then on everything as it comes.
3. A message may be stored just before the history is read, and announced after it: its
   id tells. A room's feed tells its messages in the order of their ids, so the first
   one that is newer than the history ends the asking.
"""

import json
from typing import Any

from sockets.codes import CloseCode
from sockets.connection import Socket

Event = Any  # what a group delivers: an ASGI event that all its members share


class Live:
    """Give ``put`` to ``groups.join``; call ``begin`` when the history is read.

    Attributes:
        held: what the group has said before the history was sent; None afterwards.
        told: the highest id of the history, while an announcement of one of its
            messages may still come; else 0.
    """

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.held: list[Event] | None = []
        self.told = 0

    def put(self, event: Event | None) -> None:
        """Send what the group says, hold it, or drop what was told already."""
        if event is None:
            return  # events were lost: the feed knows what to do
        if self.held is None:
            if self._is_new(event):
                self.socket.outbox.put(event)
        elif len(self.held) < self.socket.conf.OUTBOX:
            self.held.append(event)
        else:
            self.socket.stop(CloseCode.TRY_AGAIN_LATER, "the history takes too long")

    def begin(self, history: list[str], told: int) -> None:
        """Send the history, then what was held.

        It does not wait: what the group says now must not come in between.

        Args:
            history: JSON texts, in their order.
            told: the highest id of its messages; 0 if there are none.
        """
        for text in history:
            self.socket.outbox.put({"type": "websocket.send", "text": text})
        held = self.held or []
        self.held = None
        self.told = told
        for event in held:
            self.put(event)

    def _is_new(self, event: Event) -> bool:
        if self.told == 0:
            return True
        said = json.loads(event["text"])
        if said["type"] != "message":
            return True
        if said["id"] <= self.told:
            return False
        # The feed tells messages in the order of their ids: all others are newer, too.
        self.told = 0
        return True
