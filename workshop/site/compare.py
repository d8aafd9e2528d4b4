"""Does the edition in the browser tell the truth? Its outputs against a machine's.

A browser can lie without an error. With a sleep that lets other tasks run, a lesson
about blocking prints eight ticks where the truth is none. So each output is compared,
word for word, with these exceptions:

* times under `SHORT` seconds are taken as equal, longer ones within a factor of
  `FACTOR`: two machines differ, and so do two runs;
* addresses in memory, ports, process numbers, the keys of sessions and the numbers of
  unnamed tasks are left out;
* of what is printed and what is logged, each has its order, and the two have none;
* the marks under a traceback's line are left out: each version of Python has its own;
* of an endless loop, the line at which it was found is left out: it is any of them;
* of a line that was cut off ("… 51 more"), the first 60 characters count;
* of a picture in plain text the bars are left out: they are times, drawn;
* a cell with the tag ``varies`` prints figures that are this machine's own. Its words
  are compared; of its numbers, only whether they are 0;
* a cell with the tag ``differs`` shows what this Python is made of, such as byte code.
  It must say something, in both.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

SHORT = 0.15  # seconds
FACTOR = 2.5
VARIES = "varies"
DIFFERS = "differs"

UNITS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
TIME = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s?(ns|µs|ms|s)\b")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
BYTES = re.compile(r"\b[0-9a-f]{2}(?: [0-9a-f]{2})+\b")
LEFT_OUT = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"0x[0-9a-f]+"), "0x…"),
    (re.compile(r"(/[\w.-]+)+/(?=[\w.-]+\.py)"), ""),
    (re.compile(r"<ipython-input-[\w-]+>|\b\d{6,}\.py|\bcell \d+\b"), "CELL"),
    (re.compile(r"(?<=127\.0\.0\.1[:,])\s?'?,?\s?\d+"), "…"),
    (re.compile(r"(?<=localhost:)\d+"), "…"),
    (re.compile(r"\bTask-\d+"), "Task-…"),
    (re.compile(r"\bsessionid=\w+"), "sessionid=…"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?([.,]\d+)?"), "DATE"),
    (re.compile(r"\b\d\d:\d\d:\d\d([.,]\d+)?"), "CLOCK"),
    (re.compile("[█▇▆▅▄▃▂▁▏▎▍▌▋▊▉░▒▓─━│·●]+"), ""),
    (re.compile(r"^[ \t]*[~^]+[ \t]*$", re.MULTILINE), ""),
    (re.compile(r"^> (.*) ◀ still here", re.MULTILINE), r"\1"),
    (re.compile(r"(?<=it is at line )\d+"), "…"),
    (re.compile(r"[ \t]+"), " "),
    # A line that was cut: where, depends on the numbers in it.
    (re.compile(r"^(.{60}).*… [\d,]+ more$", re.MULTILINE), r"\1"),
)


@dataclass(frozen=True)
class Difference:
    """The two outputs of a cell: in the browser, and on a machine."""

    cell: str
    browser: str
    machine: str

    @property
    def only_of_times(self) -> bool:
        """Whether all else is the same."""
        texts = (self.browser, self.machine)
        one, other = (TIME.sub("TIME", text).split() for text in texts)
        return one == other

    def __str__(self) -> str:
        return (
            f"cell {self.cell}\n  in the browser: {self.browser!r}\n"
            f"  on a machine:   {self.machine!r}"
        )


def text_of(outputs: list[Any]) -> str:
    """A cell's outputs as text, as a reader sees them; what was logged comes last.

    A machine's kernel shows what a cell prints and what it logs in two pieces, and a
    page's line by line.
    """
    parts = []
    for output in sorted(outputs, key=lambda output: output.get("name") == "stderr"):
        if "text" in output:
            parts.append(_joined(output["text"]))
        elif "data" in output:
            parts.append(_joined(output["data"].get("text/plain", "")))
        elif output["output_type"] == "error":
            parts.append(f"{output['ename']}: {output['evalue']}\n")
    return "".join(parts)


def difference(
    cell: str, browser: list[Any], machine: list[Any], tags: Collection[str] = ()
) -> Difference | None:
    """How the two outputs of a cell differ; None: they say the same.

    Args:
        cell: its id.
        browser: the outputs in the edition.
        machine: the outputs of the run that the site shows.
        tags: the cell's own, of which `VARIES` and `DIFFERS` count.
    """
    one = _plain(text_of(browser))
    other = _plain(text_of(machine))
    if DIFFERS in tags and one.strip() and other.strip():
        return None
    if VARIES in tags:
        one = _without_numbers(one)
        other = _without_numbers(other)
    elif _times_agree(one, other):
        one = TIME.sub("TIME", one)
        other = TIME.sub("TIME", other)
    if one.split() == other.split():
        return None
    return Difference(cell, one, other)


def _without_numbers(text: str) -> str:
    text = BYTES.sub("#", text)
    text = NUMBER.sub(lambda number: "0" if number[0] == "0" else "#", text)
    return re.sub(r"[#0] (ns|µs|ms|s)\b", "TIME", text)


def _joined(text: Any) -> str:
    return "".join(text) if isinstance(text, list) else str(text)


def _plain(text: str) -> str:
    for pattern, put in LEFT_OUT:
        text = pattern.sub(put, text)
    return text


def _times_agree(one: str, other: str) -> bool:
    first = _seconds(one)
    second = _seconds(other)
    if len(first) != len(second):
        return False
    return all(_agree(a, b) for a, b in zip(first, second, strict=True))


def _seconds(text: str) -> list[float]:
    return [float(number) * UNITS[unit] for number, unit in TIME.findall(text)]


def _agree(a: float, b: float) -> bool:
    if a < SHORT and b < SHORT:
        return True
    return max(a, b) <= FACTOR * max(min(a, b), SHORT)
