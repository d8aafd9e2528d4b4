"""The timeline's pictures: well-formed, readable, whole."""

import asyncio
import base64
import gc
import itertools
import re
import threading
import weakref
from xml.etree import ElementTree

import pytest

from tests.support.fake_clock import run
from workshop.pictures import timeline_svg
from workshop.pictures.recorder import Outcome
from workshop.pictures.timeline import Timeline, record
from workshop.pictures.units import seconds

SVG = "{http://www.w3.org/2000/svg}"


def of_tasks(count: int, name: str = "task") -> Timeline:
    """A finished timeline of so many tasks, one of which fails."""

    async def works(n: int) -> None:
        await asyncio.sleep(n / 10)
        print(f"{name} {n} ends")
        if n == 1:
            raise ConnectionRefusedError("no & <no>")

    async def program() -> None:
        tasks = [
            asyncio.create_task(works(n), name=f"{name} {n}") for n in range(count)
        ]
        await asyncio.gather(*tasks, return_exceptions=True)

    timeline: Timeline = run(record(program(), f"{count} of {name}"))
    return timeline


def words(svg: str) -> list[str]:
    return [
        "".join(element.itertext())
        for element in ElementTree.fromstring(svg).iter(f"{SVG}text")
    ]


@pytest.mark.parametrize("count", [1, 50])
def test_the_picture_is_well_formed_and_names_every_task(count: int) -> None:
    """From one task to fifty."""
    timeline = of_tasks(count)
    shown = words(timeline.svg())
    assert {f"task {n}" for n in range(count)} <= set(shown)
    assert "program" in shown


@pytest.mark.parametrize("count", [1, 50])
def test_no_text_is_smaller_than_11_pixels(count: int) -> None:
    """Whatever its class: a size is said in the style and nowhere else."""
    svg = of_tasks(count).svg()
    sizes = re.findall(r"font(?:-size)?:\s*([\d.]+)px", svg)
    assert sizes and min(map(float, sizes)) >= 11
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        assert not {"font-size", "style", "transform"} & set(element.attrib)
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"


@pytest.mark.parametrize("count", [1, 9, 21, 50])
def test_all_text_lies_inside_of_the_picture_and_rows_do_not_touch(count: int) -> None:
    """Rows get thinner as tasks get more, but not thinner than their text."""
    root = ElementTree.fromstring(of_tasks(count).svg())
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    names = []
    for element in root.iter(f"{SVG}text"):
        x, y = float(element.get("x", 0)), float(element.get("y", 0))
        assert 0 <= x <= width and 11 <= y <= height
        if element.get("class") == "mono b":
            names.append(y)
    assert len(names) == count + 1
    gaps = [low - high for high, low in itertools.pairwise(names)]
    assert min(gaps) >= 13


def test_names_and_printed_text_cannot_break_the_picture() -> None:
    """Neither markup nor characters that XML does not have."""
    name = "<b>&\"'\x1b[31m\x00\udc80"
    timeline = of_tasks(2, name)
    svg = timeline.svg()
    assert any(
        text.startswith("<b>&\"'\N{REPLACEMENT CHARACTER}") for text in words(svg)
    )
    assert timeline._repr_mimebundle_()["text/html"].startswith("<img alt=")


@pytest.mark.parametrize("count", [1, 50])
def test_the_picture_in_text_is_at_most_80_columns_wide(count: int) -> None:
    """Also where names, printed lines, exceptions and tracebacks are long."""
    timeline = of_tasks(count, "a task with a name that is longer than the others")
    for line in str(timeline).splitlines():
        assert len(line) <= 80

    async def fails() -> None:
        print("x" * 200)
        raise LookupError("y" * 200)

    failed: Timeline = run(record(fails(), "z" * 200))
    lines = str(failed).splitlines()
    assert max(map(len, lines)) == 80
    assert "y" * 200 in "".join(lines)  # nothing of the error is lost


def test_the_picture_in_text_says_how_each_task_ended() -> None:
    """One row each, and below what was printed when, by whom."""
    text = str(of_tasks(3))
    rows = {line[:7].strip(): line for line in text.splitlines()}
    assert rows["task 0"].endswith(" returned")
    assert rows["task 1"].endswith(" ConnectionRefusedError")
    assert re.search(r"task 2 prints task 2 ends", text)


def test_outcomes_are_told_apart_without_their_colours() -> None:
    """By a sign, and by the name of the exception."""
    shown = words(of_tasks(3).svg())
    assert "✓ returned" in shown
    assert "✗ ConnectionRefusedError" in shown


def test_the_notebook_gets_an_image_and_a_text() -> None:
    """GitHub shows the first, tests read the second."""
    timeline = of_tasks(1)
    bundle = timeline._repr_mimebundle_()
    found = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', bundle["text/html"])
    assert found and base64.b64decode(found[1]).decode() == timeline.svg()
    assert bundle["text/plain"] == str(timeline)


def test_a_growing_timeline_can_be_drawn_at_any_time() -> None:
    """Before its program begins, while it runs, and when it is done."""
    timeline = Timeline("growing")
    drawn = [timeline.svg()]

    async def program() -> None:
        drawn.append(timeline.svg())
        await asyncio.sleep(0.1)
        drawn.append(timeline.svg())

    run(timeline.run(program()))
    drawn.append(timeline.svg())
    for svg in drawn:
        assert words(svg)[0] == "growing"
    assert "so far" in drawn[1] and "in all" in drawn[3]


def test_a_picture_of_many_printed_lines_marks_all_and_writes_what_fits() -> None:
    """Lines that have no room are marks; nothing overlaps."""

    async def talkative() -> None:
        for n in range(40):
            print("a line that needs some room", n)

    svg = run(record(talkative())).svg()
    marks = svg.count('stroke="var(--note)"')
    written = [text for text in words(svg) if text.startswith("a line")]
    assert marks == 40 + len(written)  # at the bars, and beside what is written
    assert 1 <= len(written) <= timeline_svg.NOTE_LANES * 4


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (2.254, "2.25 s"),
        (0.0451, "45.1 ms"),
        (0.00004, "40 µs"),
        (0, "0 µs"),
        # Three digits of the smaller unit would be 1e+03.
        (0.9996, "1.00 s"),
        (0.9994, "999 ms"),
        (0.0009996, "1 ms"),
    ],
)
def test_a_duration_has_three_digits_and_a_fitting_unit(
    value: float, said: str
) -> None:
    """Seconds, milliseconds or microseconds."""
    assert seconds(value) == said


async def test_a_task_that_nobody_keeps_is_drawn_as_lost_from_when_it_vanished() -> (
    None
):
    """Its bar ends there, and the word stands beside it."""

    async def waits() -> None:
        await asyncio.get_running_loop().create_future()  # nobody else knows it

    async def program() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        task = weakref.ref(asyncio.create_task(waits()))
        await asyncio.sleep(0)
        gc.collect()
        assert task() is None
        await asyncio.sleep(0.01)

    timeline = await record(program())
    timeline.result()
    [lost] = [t for t, name in timeline.names().items() if name == "waits"]
    assert lost.outcome is Outcome.LOST
    last = timeline.spans()["waits"][-1]
    assert last.kind == "wait" and last.end < timeline.elapsed - 0.005
    assert "lost" in str(timeline) and "✗ lost" in timeline.svg()


async def test_the_line_that_a_task_runs_is_told_while_it_runs() -> None:
    """Asked from another thread: the task itself does not give way."""
    begun, enough = threading.Event(), threading.Event()

    async def blocks() -> None:
        begun.set()
        enough.wait(10)

    timeline = Timeline("blocks")
    run_it = asyncio.to_thread(asyncio.run, timeline.run(blocks()))
    running = asyncio.create_task(run_it)
    assert await asyncio.to_thread(begun.wait, 10)
    [(place, track)] = timeline.whereabouts()
    state = timeline.state()
    enough.set()
    await running
    assert track.name == "blocks" and place.text in ("begun.set()", "enough.wait(10)")
    assert state == "running" or state.startswith(
        "blocks has not given control back for"
    )
    assert timeline.whereabouts() == [] and timeline.state() == "done"


def test_a_long_name_and_a_long_error_are_shown_whole() -> None:
    """In the picture and in the text."""

    class TooManyConnectionsError(Exception):
        pass

    async def fetch_the_front_page() -> None:
        await asyncio.sleep(0.1)
        raise TooManyConnectionsError

    async def program() -> None:
        async with asyncio.timeout(1):
            await asyncio.gather(fetch_the_front_page(), return_exceptions=True)

    timeline = run(record(program()))
    assert {"fetch_the_front_page", "✗ TooManyConnectionsError"} <= set(
        words(timeline.svg())
    )
    lines = timeline.text().splitlines()
    assert lines[2].startswith("fetch_the_front_page ")
    assert lines[2].endswith(" TooManyConnectionsError")


def test_a_line_that_does_not_fit_into_its_bar_is_written_whole_below_it() -> None:
    async def program() -> None:
        results = await asyncio.gather(asyncio.sleep(0.1), asyncio.sleep(0.1))
        await asyncio.sleep(9 - len(results))

    shown = words(run(record(program())).svg())
    line = "results = await asyncio.gather(asyncio.sleep(0.1), asyncio.sleep(0.1))"
    assert any(line in text for text in shown)
    assert any("await asyncio.sleep(9 - len(results))" in text for text in shown)
    assert not [text for text in shown if "…" in text]
