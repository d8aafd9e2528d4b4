"""A mistake of the user's is told in a sentence, never in a traceback."""

import sys

COMMAND = "py -m workshop" if sys.platform == "win32" else "python3 -m workshop"


class UserError(Exception):
    """Something that the user can fix; the message says what to do about it."""
