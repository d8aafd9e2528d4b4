"""A mistake of the user's is told in a sentence, never in a traceback."""

import sys

COMMAND = "python3 -m workshop"
if sys.platform == "win32":
    COMMAND = "py -m workshop"


class UserError(Exception):
    """Something that the user can fix; the message says what to do about it."""
