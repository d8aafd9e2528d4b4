"""What the layer counts: messages by connection, and this process as a whole."""

import asyncio


async def test_a_socket_counts_the_messages_that_it_has_heard_and_said(talk):
    async def handler(socket):
        await socket.accept()
        assert (socket.heard, socket.said) == (0, 0)
        async for message in socket:
            await socket.send(message)
            await socket.send(f"{socket.heard} heard, {socket.said} said")

    async with talk(handler) as client:
        for expected in ("1 heard, 1 said", "2 heard, 3 said"):
            await client.send(b"anything")
            await client.receive()
            assert await client.receive() == expected


async def test_a_message_that_is_still_in_line_is_not_yet_said(talk):
    reads, seen = asyncio.Event(), []

    async def handler(socket):
        await socket.accept()
        socket.outbox.put({"type": "websocket.send", "text": "on its way"})
        socket.outbox.put({"type": "websocket.send", "text": "in line"})
        seen.append(socket.said)
        reads.set()
        await socket.outbox.flushed()
        seen.append(socket.said)

    client = talk(handler)
    send = client._send

    async def slow_send(event):
        if event["type"] == "websocket.send":
            await reads.wait()
        await send(event)

    client._send = slow_send
    async with client:
        assert await client.receive() == "on its way"
        assert await client.receive() == "in line"
        assert await client.closed() == (1000, "")
    assert seen == [0, 2]
