"""From frames to messages: fragments are joined, text is checked (RFC 6455, 5.4, 8.1).

A message may come in several frames: the first says whether it is text or binary, the
others are continuations, the last has the bit FIN. Control frames (ping, pong, close)
may come between them; ``ServerProtocol`` answers those.
"""

import codecs
from typing import Any

from asgi_types import Event
from websockets.frames import BINARY, CONT, TEXT


class Messages:
    """Makes events of the frames of one connection.

    Args:
        most_fragments: how many a message may have.
    """

    def __init__(self, most_fragments: int) -> None:
        self.most_fragments = most_fragments
        self._fragments: list[Any] = []  # of a message whose end is still to come
        self._is_text = False  # whether that message is text
        # A character of several bytes may be cut in two by the end of a fragment.
        self._utf8 = codecs.getincrementaldecoder("utf-8")()

    def event_of(self, frame: Any) -> Event | None:
        """The event of a message whose last frame this is.

        Args:
            frame: one of ``websockets.frames.Frame``.

        Returns:
            The event; ``None`` for a control frame, and in the middle of a message.

        Raises:
            UnicodeDecodeError: a text is no UTF-8.
            OverflowError: the message has too many fragments.
        """
        # Nearly every message is one text frame, so this is the quick way.
        if frame.opcode is TEXT and frame.fin:
            return {"type": "websocket.receive", "text": frame.data.decode()}

        if frame.opcode not in (TEXT, BINARY, CONT):
            return None

        if frame.opcode is not CONT:
            self._is_text = frame.opcode is TEXT
        if len(self._fragments) == self.most_fragments:
            raise OverflowError(f"expected at most {self.most_fragments} fragments")

        # Text is decoded at once. A message that is no UTF-8 is refused at its first
        # wrong byte, and not only when all of its megabytes have come.
        data = frame.data
        if self._is_text:
            data = self._utf8.decode(frame.data, frame.fin)
        self._fragments.append(data)
        if not frame.fin:
            return None

        fragments = self._fragments
        self._fragments = []
        if self._is_text:
            return {"type": "websocket.receive", "text": "".join(fragments)}
        return {"type": "websocket.receive", "bytes": b"".join(fragments)}
