"""Which characters can be seen. A text without one looks like no text at all.

Two names that differ only in such a character look the same: one could be mistaken for
the other. Source: Unicode, DerivedCoreProperties.txt, Default_Ignorable_Code_Point.
"""

import re
import unicodedata

# Spaces, controls, formats (zero width, soft hyphen), and halves of surrogate pairs.
EMPTY = {"Zs", "Zl", "Zp", "Cc", "Cf", "Cs"}

# Letters and signs that are drawn as nothing, and that no name needs.
FILLERS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0]")

# Selectors choose between two shapes of the character before them; and tags.
SELECTORS = re.compile(
    "[\u180b-\u180f\u2065\ufe00-\ufe0f\ufff0-\ufff8\U000e0000-\U000e0fff]"
)


def has_visible(text: str) -> bool:
    """Whether there is a character in the text that can be seen."""
    return any(_is_visible(character) for character in text)


def has_filler(name: str) -> bool:
    """Whether there is a character in the name that is drawn as nothing.

    A joiner or a selector is none: some scripts and emoji need those.
    """
    return FILLERS.search(name) is not None


def _is_visible(character: str) -> bool:
    if unicodedata.category(character) in EMPTY:
        return False
    return not (FILLERS.match(character) or SELECTORS.match(character))
