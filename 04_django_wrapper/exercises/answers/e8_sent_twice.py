"""Hints, check and solution of exercise 4.8, and what must not pass."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.db import connection
from django.db.models import QuerySet
from exercises.e8_sent_twice import IntegrityError, Message, Room, transaction

from workshop.exercises import Wrong, shown

HINTS = (
    "You look, and it is not there. What can another process do before you store? Who "
    "alone sees the messages of all processes at the moment at which one is stored?",
    "Store first, and let the constraint speak: an `IntegrityError` says that the "
    "message is there already, so then read it. On some databases an error spoils the "
    "transaction around it: what gives your one query a small transaction of its own?",
    "`try:`, in it `with transaction.atomic():`, and in that the `create` of now. "
    "`except IntegrityError:` reads `Message.objects.get(room=room, author=author, "
    "key=key)`. Its id is the answer, if its text is `text`.",
)

Say = Callable[[Room, str, str, str], int]

ANN = "guest-ann"


def check(say: Say) -> str:
    lobby = Room.objects.get(slug="lobby")
    kitchen = Room.objects.create(name="Kitchen", slug="kitchen")

    _once_and_again(say, lobby)
    _others_may_have_the_same_key(say, lobby, kitchen)
    _another_process_has_stored_it(say, lobby)
    _another_text_has_the_key(say, lobby)
    _in_a_transaction_of_the_caller(say, lobby)
    _another_process_stores_it_meanwhile(say, lobby)
    return (
        "whatever came first, the message is stored once, and its id is told. The "
        "constraint of the database decided that, and a savepoint kept its error "
        "small: get_or_create has both inside."
    )


def _once_and_again(say: Say, room: Room) -> None:
    first = say(room, ANN, "1", "hello")
    stored = _stored(room, ANN, "1")
    if [message.text for message in stored] != ["hello"]:
        raise Wrong("A new message came, and it is not stored with its room and key.")
    if first != stored[0].pk:
        raise Wrong(
            f"A new message came, and say returned {shown(first)}; its id "
            f"{stored[0].pk} was wanted."
        )
    told = "the same message came again"
    _require_id(_say(say, room, "1", told), stored[0], told)


def _others_may_have_the_same_key(say: Say, lobby: Room, kitchen: Room) -> None:
    """Each page numbers its own messages: keys of two authors may well be the same."""
    say(lobby, ANN, "one more", "hello")
    if len(_stored(lobby, ANN, "one more")) != 1:
        raise Wrong(
            "The same text came with another key, and it is not stored: a person "
            "may well say hello twice.",
            ask="Which columns tell one message from all others?",
        )
    for room, author, who in (
        (lobby, "guest-bob", "another person"),
        (kitchen, ANN, "the same person in another room"),
    ):
        say(room, author, "1", "hello")
        if len(_stored(room, author, "1")) != 1:
            raise Wrong(
                f"With the same key came a message of {who}, and it is not stored.",
                ask="Which columns tell one message from all others?",
            )


def _another_process_has_stored_it(say: Say, room: Room) -> None:
    told = "another process had stored the message"
    stored = _of_another_process(room, "2")
    _require_id(_say(say, room, "2", told), stored, told)


def _another_text_has_the_key(say: Say, room: Room) -> None:
    told = "the key was another text's"
    stored = _of_another_process(room, "3")
    answer = _say(say, room, "3", told, text="good-bye")
    [now] = _stored(room, ANN, "3")
    if now.text != stored.text:
        raise Wrong(
            f"Where {told}, that text was overwritten: {stored.text!r} is "
            f"{now.text!r} now.",
            ask="Which of the calls changes a row that is there?",
        )
    if answer != 0:
        raise Wrong(
            f"Where {told}, say returned {shown(answer)}; 0 was wanted, since the new "
            "text is not stored.",
            ask="How does the page learn that this text was not stored?",
        )


def _in_a_transaction_of_the_caller(say: Say, room: Room) -> None:
    told = "the message came again inside a transaction of the caller's"
    stored = _of_another_process(room, "4")
    try:
        with transaction.atomic():
            answer = _say(say, room, "4", told)
            room.messages.count()  # a query of the caller's
    except transaction.TransactionManagementError:
        raise Wrong(
            f"Where {told}, the error of the constraint spoiled that transaction: no "
            "query works in it any more.",
            ask="What makes a savepoint, to which Django can go back?",
        ) from None
    _require_id(answer, stored, told)


def _another_process_stores_it_meanwhile(say: Say, room: Room) -> None:
    told = "another process stored the message between your look and your create"
    stored = _of_another_process(room, "5")
    with _looked_too_early():
        answer = _say(say, room, "5", told)
    _require_id(answer, stored, told)


def _of_another_process(room: Room, key: str) -> Message:
    message: Message = Message.objects.create(
        room=room, author=ANN, name=ANN, key=key, text="hello"
    )
    return message


@contextmanager
def _looked_too_early() -> Iterator[None]:
    """Until the first INSERT nobody sees a message: the other process was later.

    Two processes meet in that moment once in a thousand times; here they always do.
    """
    early = True

    def noted(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal early
        if sql.startswith("INSERT"):
            early = False
        elif early and sql.startswith("SELECT") and 'FROM "chat_message"' in sql:
            sql = f"SELECT * FROM ({sql}) WHERE 0"
        return execute(sql, params, many, context)

    lock = QuerySet.select_for_update

    def locked(rows: Any, *about: Any, **more: Any) -> Any:
        nonlocal early
        # The other process waits for the same lock, and so has stored it before. A
        # message that is not there yet cannot be locked.
        if rows.model is Room and connection.in_atomic_block:
            early = False
        return lock(rows, *about, **more)

    with (
        connection.execute_wrapper(noted),
        patch.object(QuerySet, "select_for_update", locked),
    ):
        yield


def _say(say: Say, room: Room, key: str, told: str, text: str = "hello") -> int:
    try:
        return say(room, ANN, key, text)
    except IntegrityError:
        raise Wrong(
            f"Where {told}, say raised an IntegrityError. The page gets an error, and "
            "no id.",
            ask="What does this error tell you about the message?",
        ) from None


def _stored(room: Room, author: str, key: str) -> list[Message]:
    return list(Message.objects.filter(room=room, author=author, key=key))


def _require_id(answer: Any, stored: Message, told: str) -> None:
    now = _stored(stored.room, stored.author, stored.key)
    if [message.pk for message in now] != [stored.pk]:
        raise Wrong(
            f"Where {told}, the message of before was deleted: pages that have it "
            "know its id.",
            ask="Does anything have to change in the database?",
        )
    if answer != stored.pk:
        raise Wrong(
            f"Where {told}, say returned {shown(answer)}; the id {stored.pk} of the "
            "message that is stored was wanted.",
            ask="From where do you get the id of a message that was there before?",
        )


def say(room: Room, author: str, key: str, text: str) -> int:
    """Store the message, and return its id, also when it comes again.

    If the key was another text's, that text stays as it is, and 0 is returned.
    """
    try:
        # A small transaction of its own, so that an error spoils no larger one.
        with transaction.atomic():
            message = Message.objects.create(
                room=room, author=author, name=author, key=key, text=text
            )
    except IntegrityError:
        message = Message.objects.get(room=room, author=author, key=key)
    if message.text != text:
        return 0
    return int(message.pk)


def keys_in_memory(room, author, key, text, known={}):
    place = (room.pk, author, key)
    if place not in known:
        message = Message.objects.create(
            room=room, author=author, name=author, key=key, text=text
        )
        known[place] = message
    if known[place].text != text:
        return 0
    return known[place].pk


def look_then_store(room, author, key, text):
    found = Message.objects.filter(room=room, author=author, key=key).first()
    if found is not None:
        return found.pk if found.text == text else 0
    message = Message.objects.create(
        room=room, author=author, name=author, key=key, text=text
    )
    return message.pk


def look_and_store_in_one_transaction(room, author, key, text):
    with transaction.atomic():
        mine = Message.objects.filter(room=room, author=author, key=key)
        if mine.exists():
            return mine.get().pk if mine.get().text == text else 0
        message = Message.objects.create(
            room=room, author=author, name=author, key=key, text=text
        )
    return message.pk


def lock_what_is_not_there(room, author, key, text):
    with transaction.atomic():
        mine = Message.objects.filter(room=room, author=author, key=key)
        found = mine.select_for_update().first()
        if found is not None:
            return found.pk if found.text == text else 0
        message = Message.objects.create(
            room=room, author=author, name=author, key=key, text=text
        )
    return message.pk


def by_the_key_alone(room, author, key, text):
    found = Message.objects.filter(key=key).first()
    if found is not None:
        return found.pk if found.text == text else 0
    message = Message.objects.create(
        room=room, author=author, name=author, key=key, text=text
    )
    return message.pk


def without_the_room(room, author, key, text):
    message, new = Message.objects.get_or_create(
        author=author, key=key, defaults={"room": room, "name": author, "text": text}
    )
    return message.pk if message.text == text else 0


def by_its_text(room, author, key, text):
    message, new = Message.objects.get_or_create(
        room=room, author=author, text=text, defaults={"key": key, "name": author}
    )
    return message.pk


def text_in_the_look(room, author, key, text):
    message, new = Message.objects.get_or_create(
        room=room, author=author, name=author, key=key, text=text
    )
    return message.pk


def no_savepoint(room, author, key, text):
    try:
        message = Message.objects.create(
            room=room, author=author, name=author, key=key, text=text
        )
    except IntegrityError:
        message = Message.objects.get(room=room, author=author, key=key)
    return message.pk if message.text == text else 0


def overwritten(room, author, key, text):
    message, new = Message.objects.update_or_create(
        room=room, author=author, key=key, defaults={"name": author, "text": text}
    )
    return message.pk


def text_not_compared(room, author, key, text):
    message, new = Message.objects.get_or_create(
        room=room, author=author, key=key, defaults={"name": author, "text": text}
    )
    return message.pk


def swallowed(room, author, key, text):
    try:
        with transaction.atomic():
            message = Message.objects.create(
                room=room, author=author, name=author, key=key, text=text
            )
    except IntegrityError:
        return 0
    return message.pk


def the_old_one_deleted(room, author, key, text):
    with transaction.atomic():
        Message.objects.filter(room=room, author=author, key=key).delete()
        message = Message.objects.create(
            room=room, author=author, name=author, key=key, text=text
        )
    return message.pk


WRONG = (
    (keys_in_memory, "Where another process had stored the message, say raised an"),
    (look_then_store, "between your look and your create, say raised an"),
    (look_and_store_in_one_transaction, "between your look and your create, say"),
    (lock_what_is_not_there, "between your look and your create, say raised an"),
    (by_the_key_alone, "With the same key came a message of another person"),
    (without_the_room, "With the same key came a message of the same person in"),
    (by_its_text, "The same text came with another key, and it is not stored"),
    (text_in_the_look, "Where the key was another text's, say raised an"),
    (no_savepoint, "the error of the constraint spoiled that transaction"),
    (overwritten, "that text was overwritten: 'hello' is 'good-bye' now"),
    (text_not_compared, "0 was wanted, since the new text is not stored"),
    (swallowed, "Where the same message came again, say returned 0"),
    (the_old_one_deleted, "the message of before was deleted"),
)
