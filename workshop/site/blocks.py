"""Cut Markdown and code where they may be cut: never inside a fence of code.

A ``#`` at the beginning of a line is a heading in prose and a comment in code, and an
empty line ends a paragraph in prose only. So each function here looks for fences first.
"""

import math
import re

FENCE = re.compile(r"^```")
HEADING = re.compile(r"^#{1,3} ")


def parts(source: str) -> list[str]:
    """A text cell, cut before each of its headings."""
    found: list[list[str]] = [[]]
    fenced = False
    for line in source.splitlines():
        if FENCE.match(line):
            fenced = not fenced
        if HEADING.match(line) and not fenced:
            found.append([])
        found[-1].append(line)
    texts = ["\n".join(lines).strip() for lines in found]
    return [text for text in texts if text]


def blocks(text: str) -> list[str]:
    """The paragraphs, lists, tables and fences of a Markdown text."""
    found: list[list[str]] = [[]]
    fenced = False
    for line in text.splitlines():
        if not line.strip() and not fenced:
            found.append([])
            continue
        if FENCE.match(line):
            fenced = not fenced
        found[-1].append(line)
    return ["\n".join(lines) for lines in found if lines]


def screens(text: str, limit: int, letters: int) -> list[str]:
    """A text, cut into pieces that fit on a screen.

    Args:
        text: code, or what a program has printed.
        limit: as many rows fit on a screen.
        letters: a line that is longer takes a second row.

    Returns:
        The pieces. A piece ends before a function if it can, else at an empty line, and
        only if there is none in the middle of a paragraph.
    """
    for empty in ("\n\n\n", "\n\n", "\n"):
        pieces = _packed(text.split(empty), empty, limit, letters)
        if all(rows(piece, letters) <= limit for piece in pieces):
            break
    return [piece.strip("\n") for piece in pieces]


def _packed(pieces: list[str], empty: str, limit: int, letters: int) -> list[str]:
    """As many pieces together as fit on a screen."""
    packed = [pieces[0]]
    for piece in pieces[1:]:
        together = packed[-1] + empty + piece
        if rows(together, letters) <= limit:
            packed[-1] = together
        else:
            packed.append(piece)
    return packed


def rows(text: str, letters: int) -> int:
    """The rows that a text takes on a screen of so many letters a row."""
    lines = text.split("\n")
    return sum(max(1, math.ceil(len(line) / letters)) for line in lines)
