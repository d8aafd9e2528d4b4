"""Exercise 3.5 · Text, bytes, nothing

8 minutes, after section 5 of the notebook.
Check it: python3 -m workshop exercise 3.5

``answer`` knows texts only, and breaks when bytes come. Change it. To the text ``ping``
the answer is ``pong!``. To any other text it is the number of characters: ``5
characters``. To bytes it is the number of bytes: ``2 bytes``. A message may be empty.
In the event of a text the key ``bytes`` is missing or has the value ``None``, and the
other way round: servers differ.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from asgi_types import Event


# ↓ Your turn begins here.
def answer(event: Event) -> str:
    """``pong!`` for ``ping``; else how long the message is, and of what it is."""
    if event["text"] == "ping":
        return "pong!"
    return f"{len(event['text'])} characters"


# ↑ Your turn ends here.


if __name__ == "__main__":
    print(answer({"type": "websocket.receive", "text": "ping"}))
    print(answer({"type": "websocket.receive", "text": "hello", "bytes": None}))
    print(answer({"type": "websocket.receive", "bytes": b"\x00\x01", "text": None}))
