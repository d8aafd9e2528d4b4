"""What the README says of the chat: its files, its wire format, its goodbyes."""

import json
import re

from tests.support.processes import ROOT
from tests.support.readmes import table_of

CHAT = ROOT / "04_django_wrapper" / "chat"
README = "04_django_wrapper/chat"


def test_the_reading_order_has_every_file_of_the_chat():
    rows = table_of(README, "Read the chat in this order", "file")
    named = [name for row in rows for name in re.findall(r"`([^`]+\.\w+)`", row[0])]
    files = [
        path.relative_to(CHAT).as_posix()
        for kind in ("*.py", "static/**/*.js")
        for path in CHAT.glob(kind)
        if path.name != "__init__.py"
    ]
    assert sorted(named) == sorted(files)
    assert all(meaning for _, meaning in rows)


async def test_each_message_of_the_wire_format_is_one_that_is_sent(chat):
    """All that the server says has its row, with the row's keys, and no row is more."""
    rows = table_of(README, "The wire format", "from")
    shown = {"client": [], "server": []}
    for who, message, _ in rows:
        shown[who].append(json.loads(message.strip("`")))
    room, said = await chat.room(name="Tea", slug="tea"), []
    async with chat.enter(room) as guest:

        async def hear(kind):
            while not said or said[-1]["type"] != kind:
                said.append(await guest.receive_json())

        await hear("presence")
        for message in shown["client"]:
            await guest.send_json(message)
            answers = {"message": "ack", "typing": "typing", "ping": "pong"}
            await hear(answers[message["type"]])
        await guest.send_json({})
        await hear("error")
        await chat.Message.objects.filter(room=room).adelete()
        await hear("deleted")
    keys = {message["type"]: message.keys() for message in shown["server"]}
    assert keys == {message["type"]: message.keys() for message in said}


def test_each_error_of_the_chat_has_its_row():
    from chat.handlers import WRONG

    rows = dict(table_of(README, "The wire format", "error"))
    assert rows == {"`bad_json`": "expected JSON: …"} | {
        f"`{code}`": detail for code, detail in WRONG.items()
    }


def test_each_goodbye_of_the_admin_has_its_reason_from_the_code():
    code = "".join(path.read_text("utf-8") for path in CHAT.glob("*.py"))
    rows = table_of(README, "Who may do what?", "in the admin")
    reasons = {row[2] for row in rows if row[2]}
    assert len(reasons) == 4
    assert all(f'"{reason}"' in code for reason in reasons)
