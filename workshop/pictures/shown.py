"""Values of events as short text: no picture, page or terminal can be led astray."""

SHOWN = 60  # characters of a value
QUOTED = 40  # characters of a longer text
HEXED = 8  # bytes of longer bytes


def shown(value: object, most: int = SHOWN) -> str:
    """``value`` as short text in which every character can be printed.

    Control characters, lone surrogates and signs that turn the direction of writing
    become escapes.

    Args:
        value: anything; a learner's application sends what it likes.
        most: so many characters at most.
    """
    try:
        text = str(value)
    except Exception as error:
        # The object is the learner's, and so is its __str__.
        text = f"({type(value).__name__}, whose str() raises {type(error).__name__})"
    escaped = "".join(
        character if character.isprintable() else repr(character)[1:-1]
        for character in text[:most]
    )
    if len(text) > most:
        return f"{escaped} …"
    return escaped


def payload(value: object) -> str:
    """A value of an event: text in quotes, bytes in hex, both shortened."""
    if isinstance(value, str):
        if len(value) > QUOTED:
            return f"{len(value):,} characters, “{shown(value[:QUOTED])}…”"
        return f"“{shown(value)}”"
    if isinstance(value, bytes | bytearray):
        start = bytes(value[:HEXED]).hex(" ")
        if len(value) > HEXED:
            return f"{len(value):,} bytes, {start} …"
        return start or "(0 bytes)"
    return shown(value)
