"""The diagrams of the READMEs: who speaks to whom, and what stands between them.

Each is drawn by hand, with boxes and arrows at the places that are given here. `draw`
writes them as files.
"""

from dataclasses import dataclass

from workshop.pictures import svg

BOX = 44.0  # height of a box
ROW = 40.0  # from one arrow of a sequence to the next
TOP = 48.0  # of a sequence's lifelines
TIP = 8.0  # length of an arrow's head
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A box with one or two lines in it; ``x`` and ``y`` are its upper left corner."""

    x: float
    y: float
    width: float
    words: str
    below: str = ""  # a second line, smaller
    fill: str = "panel"

    @property
    def middle(self) -> float:
        return self.y + BOX / 2

    @property
    def centre(self) -> float:
        return self.x + self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + BOX

    def drawn(self) -> str:
        first = self.middle + 5
        shapes = svg.rect(
            self.x, self.y, self.width, BOX, self.fill, stroke="line", radius=6
        )
        if self.below:
            first = self.middle - 3
            shapes += svg.text(
                self.centre, self.middle + 14, self.below, "small soft", "middle"
            )
        return shapes + svg.text(self.centre, first, self.words, "b", "middle")


def arrow(*points: Point, color: str = "run", dashed: bool = False) -> str:
    """A line through the points, with its head at the last one."""
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    x, y = points[-1]
    before_x, before_y = points[-2]
    if y == before_y:
        back = -TIP if x > before_x else TIP
        head = f"M{x:.1f} {y:.1f}l{back:g} -5v10z"
    else:
        back = -TIP if y > before_y else TIP
        head = f"M{x:.1f} {y:.1f}l-5 {back:g}h10z"
    return (
        f'<path d="{path}" fill="none" stroke="var(--{color})" stroke-width="2"'
        f'{dashes}/><path d="{head}" fill="var(--{color})"/>'
    )


def word(x: float, y: float, words: str, kind: str = "mono") -> str:
    """Words beside an arrow, in the middle over ``x``."""
    return svg.text(x, y, words, f"{kind} small", "middle")


def sequence(title: str, lifelines: list[str], rows: list[tuple[str, str, str]]) -> str:
    """Arrows from lifeline to lifeline, one under the other.

    Args:
        title: for those who hear the picture.
        lifelines: the names, from left to right.
        rows: from whom, to whom, and what. The same name twice is a note at its line.
    """
    between = svg.WIDTH / len(lifelines)
    place = {name: between * (n + 0.5) for n, name in enumerate(lifelines)}
    bottom = TOP + ROW * (len(rows) + 0.5)
    shapes = []
    for name, x in place.items():
        shapes.append(svg.line(x, TOP, x, bottom))
        half = min(between / 2 - 10, 4.2 * len(name) + 16)
        shapes.append(
            svg.rect(x - half, 14, 2 * half, TOP - 14, "panel", stroke="line", radius=6)
        )
        shapes.append(svg.text(x, 36, name, "b", "middle"))
    for number, (source, target, words) in enumerate(rows, 1):
        y = TOP + ROW * number
        start = place[source]
        end = place[target]
        if start == end:
            width = svg.CHARACTER * len(words) + 16
            left = start - width / 2
            shapes.append(svg.rect(left, y - 20, width, 26, "wait", radius=6))
            shapes.append(svg.text(start, y - 3, words, "mono small", "middle"))
            continue
        color = "run" if end > start else "done"
        shapes.append(word((start + end) / 2, y - 7, words))
        shapes.append(arrow((start, y), (end, y), color=color))
    return svg.document(title, bottom + 12, shapes)


def one_websocket() -> str:
    """Stage 03: one websocket, from the handshake to its end."""
    browser = "browser"
    server = "server (uvicorn)"
    application = "application"
    rows = [
        (browser, server, "handshake: GET /, Upgrade: websocket"),
        (server, application, "application(scope, receive, send)"),
        (server, application, "event websocket.connect"),
        (application, server, "event websocket.accept"),
        (server, browser, "101 Switching Protocols"),
        (application, application, "await receive() waits here"),
        (browser, server, 'ws.send("ping"): a text frame'),
        (server, application, "event websocket.receive"),
        (application, server, "event websocket.send"),
        (server, browser, "pong!: a text frame"),
        (browser, server, "ws.close(1000): a close frame"),
        (server, application, "event websocket.disconnect"),
    ]
    title = "One websocket between browser, server and application"
    return sequence(title, [browser, server, application], rows)


def chat_message() -> str:
    """The chat: one message, stored before it is announced."""
    ann = "Ann's window"
    handler = "Ann's handler"
    thread = "a thread"
    feed = "the room's feed"
    ben = "Ben's window"
    rows = [
        (ann, handler, "message, key"),
        (handler, thread, "room.say()"),
        (thread, thread, "stored, committed"),
        (thread, feed, "message, id, id before"),
        (feed, ann, "message, id"),
        (feed, ben, "message, id"),
        (thread, handler, "id"),
        (handler, ann, "ack, key, id"),
    ]
    title = "A message of the chat: stored, then announced, then acknowledged"
    return sequence(title, [ann, handler, thread, feed, ben], rows)


def groups() -> str:
    """Stage 04: a group over several processes."""
    handler = Box(20, 30, 110, "handler")
    first = Box(230, 30, 140, "groups", "of process 1")
    near = Box(700, 30, 140, "its members")
    redis = Box(230, 140, 140, "Redis", fill="wait")
    second = Box(530, 140, 130, "groups", "of process 2")
    far = Box(720, 140, 120, "its members")
    shapes = [box.drawn() for box in (handler, first, near, redis, second, far)]
    shapes += [
        arrow((handler.right, handler.middle), (first.x, first.middle)),
        word(180, handler.middle - 8, "publish()"),
        arrow((first.right, first.middle), (near.x, near.middle)),
        word(535, first.middle - 8, "at once", "soft"),
        arrow((first.centre, first.bottom), (redis.centre, redis.y)),
        word(first.centre + 62, 111, "PUBLISH, once"),
        arrow((redis.right, redis.middle), (second.x, second.middle)),
        word(450, redis.middle - 24, "once for each process", "soft"),
        word(450, redis.middle - 8, "that has SUBSCRIBEd", "soft"),
        arrow((second.right, second.middle), (far.x, far.middle)),
    ]
    return svg.document("A group over two processes", 204, shapes)


def layer() -> str:
    """Stage 04: the tasks and queues of one websocket, and its end."""
    shapes = [svg.text(20, 28, "A message's way", "b soft")]
    peer = Box(20, 50, 80, "peer")
    server = Box(170, 50, 90, "server")
    reader = Box(350, 50, 140, "reader's task", "reads, always")
    inbox = Box(560, 50, 70, "inbox", fill="wait")
    handler = Box(700, 50, 140, "handler's task", "route, steps, handler")
    outbox = Box(560, 150, 80, "outbox", fill="wait")
    publish = Box(700, 210, 140, "groups.publish()", "any task or thread")
    way = (peer, server, reader, inbox, handler, outbox, publish)
    shapes += [box.drawn() for box in way]
    shapes += [
        arrow((peer.right, peer.middle - 8), (server.x, server.middle - 8)),
        arrow(
            (server.x, server.middle + 8), (peer.right, peer.middle + 8), color="done"
        ),
        word(135, server.middle - 16, "frames", "soft"),
        arrow((server.right, server.middle), (reader.x, reader.middle)),
        word(305, server.middle - 8, "receive()"),
        arrow((reader.right, reader.middle), (inbox.x, inbox.middle)),
        word(525, reader.middle - 8, "message", "soft"),
        arrow((inbox.right, inbox.middle), (handler.x, handler.middle)),
        word(665, inbox.middle - 8, "receive()"),
        arrow(
            (handler.centre, handler.bottom),
            (handler.centre, outbox.middle - 8),
            (outbox.right, outbox.middle - 8),
            color="done",
        ),
        word(705, outbox.middle - 16, "send()"),
        arrow(
            (publish.x, publish.middle),
            (outbox.centre, publish.middle),
            (outbox.centre, outbox.bottom),
            color="done",
        ),
        arrow(
            (outbox.x, outbox.middle),
            (server.centre, outbox.middle),
            (server.centre, server.bottom),
            color="done",
        ),
        word(400, outbox.middle - 8, "send(event)"),
    ]
    return svg.document(
        "The tasks and queues of one websocket, and its end",
        510,
        [*shapes, *_end()],
    )


def _end() -> list[str]:
    """The lower part of `layer`: three causes of an end, and what it does."""
    left = Box(20, 310, 190, "the peer has left", "seen by the reader's task")
    much = Box(20, 370, 190, "it says too much", "seen by the inbox")
    slow = Box(20, 430, 190, "it is too slow", "seen by the outbox")
    end = Box(290, 370, 110, "the end", fill="wait")
    goodbye = Box(500, 310, 110, "outbox", fill="wait")
    handler = Box(700, 370, 140, "handler's task")
    deadline = Box(500, 430, 110, "deadline")
    waits = Box(700, 450, 140, "server's task", "waits for the handler")
    causes = (left, much, slow)
    shapes = [svg.line(20, 276, svg.WIDTH - 20, 276)]
    shapes.append(svg.text(20, 298, "The end", "b soft"))
    shapes += [box.drawn() for box in (*causes, end, goodbye, handler, deadline, waits)]
    turn = 250.0  # where the three causes meet
    for cause in causes:
        shapes.append(
            arrow(
                (cause.right, cause.middle),
                (turn, cause.middle),
                (turn, end.middle),
                (end.x, end.middle),
                color="fail",
                dashed=True,
            )
        )
    out = 440.0  # where what follows from it parts
    shapes += [
        arrow(
            (end.right, end.middle),
            (out, end.middle),
            (out, goodbye.middle),
            (goodbye.x, goodbye.middle),
            color="fail",
            dashed=True,
        ),
        word(468, goodbye.middle - 8, "goodbye", "soft"),
        arrow(
            (end.right, end.middle),
            (handler.x, handler.middle),
            color="fail",
            dashed=True,
        ),
        word(555, end.middle - 8, "Disconnected"),
        arrow(
            (end.right, end.middle),
            (out, end.middle),
            (out, deadline.middle),
            (deadline.x, deadline.middle),
            color="fail",
            dashed=True,
        ),
        word(468, deadline.middle - 8, "starts", "soft"),
        arrow(
            (deadline.right, deadline.middle),
            (655, deadline.middle),
            (655, handler.middle + 14),
            (handler.x, handler.middle + 14),
            color="fail",
            dashed=True,
        ),
        word(637, deadline.middle + 16, "cancels", "soft"),
        arrow((waits.centre, waits.y), (handler.centre, handler.bottom), dashed=True),
    ]
    return shapes
