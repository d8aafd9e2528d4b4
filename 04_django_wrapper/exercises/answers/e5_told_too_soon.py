"""Hints, check and solution of exercise 4.5, and what must not pass."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

from django.db import IntegrityError, connection
from exercises.e5_told_too_soon import Message, Room, groups, transaction

from workshop.exercises import Wrong, shown

HINTS = (
    "When does another connection see a row that was stored in a transaction? Who "
    "knows when that is, if the caller has a transaction of its own?",
    "`transaction.on_commit(function)` calls the function after the outermost commit, "
    "and never after a rollback. Which text does a `lambda` in a loop use?",
    "In the loop, in place of the `publish_sync`: `transaction.on_commit(partial("
    "groups.publish_sync, room.group, text))`.",
)

TEXTS = ["one", "two", "three"]


def check(say_all: Callable[[Room, Sequence[str]], None]) -> str:
    room = Room.objects.get(slug="lobby")
    told: list[tuple[str, bool]] = []
    with _listening(room, told):
        say_all(room, TEXTS)
    _require_committed(told, "")
    _require_all(told)
    _require_stored(TEXTS)

    told.clear()
    Message.objects.all().delete()
    with _listening(room, told), transaction.atomic():
        say_all(room, TEXTS)
    _require_committed(told, ", in a transaction of its caller's")
    _require_all(told)

    told.clear()
    Message.objects.all().delete()
    raised = False
    with _listening(room, told):
        try:
            say_all(room, ["four", "five", "four"])
        except IntegrityError:
            raised = True
    _require_nobody_was_told(told)
    _require_stored([])
    if not raised:
        raise Wrong(
            "A text could not be stored, and say_all has not raised the "
            "IntegrityError.",
            ask="How does the caller learn that nothing was stored?",
        )

    with _listening(room, told):
        try:
            with transaction.atomic():
                say_all(room, TEXTS)
                raise ConnectionError("the caller has failed later")
        except ConnectionError:
            pass
    _require_nobody_was_told(told)
    return "each text was told after the commit, and none after a rollback."


@contextmanager
def _listening(room: Room, told: list[tuple[str, bool]]) -> Iterator[None]:
    """Note each text that the group is told, and whether others find it stored."""

    def publish(name: str, text: Any) -> None:
        if name != room.group:
            raise Wrong(
                f"The group {shown(name)} was told; {shown(room.group)} was wanted."
            )
        told.append((str(text), str(text) in _stored()))

    with patch.object(groups, "publish_sync", publish):
        yield


def _stored() -> list[str]:
    """What another connection sees."""
    file = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(file)) as other:
        rows = other.execute("SELECT text FROM chat_message ORDER BY id").fetchall()
    return [text for (text,) in rows]


def _require_committed(told: list[tuple[str, bool]], when: str) -> None:
    for text, is_stored in told:
        if text in TEXTS and not is_stored:
            raise Wrong(
                f"The room was told {text!r} before it was committed{when}: a page "
                "that looks into the database now does not find it.",
                ask="Who knows when the outermost transaction is committed?",
            )


def _require_all(told: list[tuple[str, bool]]) -> None:
    texts = [text for text, _ in told]
    if texts != TEXTS:
        raise Wrong(
            f"The room was told {shown(texts)}; {shown(TEXTS)} was wanted.",
            ask="When does a lambda look up what its variable means?",
        )


def _require_stored(texts: list[str]) -> None:
    stored = _stored()
    if stored != texts:
        raise Wrong(
            f"{shown(stored)} is stored; {shown(texts)} was wanted, all or none.",
            ask="How many transactions are there in say_all?",
        )


def _require_nobody_was_told(told: list[tuple[str, bool]]) -> None:
    if told:
        raise Wrong(
            f"The room was told {told[0][0]!r}, and the transaction was rolled back: "
            "nobody will ever find that text.",
            ask="What should be told after a rollback?",
        )


def say_all(room: Room, texts: Sequence[str]) -> None:
    """Store all texts or none; tell the group of the room each stored text."""
    with transaction.atomic():
        for text in texts:
            # The text is the key, too: the same text twice is an IntegrityError.
            Message.objects.create(room=room, name="Ann", text=text, key=text)
            tell = partial(groups.publish_sync, room.group, text)
            transaction.on_commit(tell)


def after_all_inside(room, texts):
    with transaction.atomic():
        for text in texts:
            Message.objects.create(room=room, name="Ann", text=text, key=text)
        for text in texts:
            groups.publish_sync(room.group, text)


def behind_the_block(room, texts):
    with transaction.atomic():
        for text in texts:
            Message.objects.create(room=room, name="Ann", text=text, key=text)
    for text in texts:
        groups.publish_sync(room.group, text)


def lambda_in_a_loop(room, texts):
    with transaction.atomic():
        for text in texts:
            Message.objects.create(room=room, name="Ann", text=text, key=text)
            transaction.on_commit(lambda: groups.publish_sync(room.group, text))


def called_at_once(room, texts):
    with transaction.atomic():
        for text in texts:
            Message.objects.create(room=room, name="Ann", text=text, key=text)
            transaction.on_commit(groups.publish_sync(room.group, text))


def no_transaction(room, texts):
    for text in texts:
        Message.objects.create(room=room, name="Ann", text=text, key=text)
        transaction.on_commit(partial(groups.publish_sync, room.group, text))


def one_transaction_each(room, texts):
    for text in texts:
        with transaction.atomic():
            Message.objects.create(room=room, name="Ann", text=text, key=text)
            transaction.on_commit(partial(groups.publish_sync, room.group, text))


def in_post_save(room, texts):
    from django.db.models.signals import post_save

    def saved(instance, **about):
        groups.publish_sync(room.group, instance.text)

    post_save.connect(saved, sender=Message)
    try:
        with transaction.atomic():
            for text in texts:
                Message.objects.create(room=room, name="Ann", text=text, key=text)
    finally:
        post_save.disconnect(saved, sender=Message)


def told_in_finally(room, texts):
    try:
        with transaction.atomic():
            for text in texts:
                Message.objects.create(room=room, name="Ann", text=text, key=text)
    finally:
        for text in texts:
            transaction.on_commit(partial(groups.publish_sync, room.group, text))


def swallowed(room, texts):
    from django.db import IntegrityError

    try:
        with transaction.atomic():
            for text in texts:
                Message.objects.create(room=room, name="Ann", text=text, key=text)
                transaction.on_commit(partial(groups.publish_sync, room.group, text))
    except IntegrityError:
        pass


def all_texts_as_one(room, texts):
    with transaction.atomic():
        for text in texts:
            Message.objects.create(room=room, name="Ann", text=text, key=text)
        tell = partial(groups.publish_sync, room.group, ", ".join(texts))
        transaction.on_commit(tell)


WRONG = (
    (after_all_inside, "The room was told 'one' before it was committed"),
    (behind_the_block, "before it was committed, in a transaction of its caller's"),
    (lambda_in_a_loop, "The room was told ['three', 'three', 'three']"),
    (called_at_once, "TypeError was raised at line"),
    (no_transaction, "The room was told 'four', and the transaction was rolled back"),
    (one_transaction_each, "nobody will ever find that text"),
    (in_post_save, "The room was told 'one' before it was committed"),
    (told_in_finally, "and the transaction was rolled back"),
    (swallowed, "has not raised the IntegrityError"),
    (all_texts_as_one, "The room was told ['one, two, three']"),
)
