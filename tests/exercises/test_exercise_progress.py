"""The file of the progress, with several writers at once."""

import json
import subprocess
import sys
from pathlib import Path

from workshop.command.places import ROOT
from workshop.exercises.progress import Store

WRITERS = 4
ROUNDS = 25

PROGRAM = """
import sys
from pathlib import Path
from workshop.exercises.progress import Store

store = Store(Path(sys.argv[1]))
for n in range(int(sys.argv[3])):
    with store.changing() as progress:
        progress.entry("1.1").hints += 1
        progress.entry(sys.argv[2]).hints += 1
"""


def test_several_terminals_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each adds to a number of its own and to one of all; readers see whole files."""
    file = tmp_path / ".workshop" / "exercises.json"
    numbers = [f"2.{n}" for n in range(1, WRITERS + 1)]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path), number, str(ROUNDS)],
            cwd=ROOT,
        )
        for number in numbers
    ]
    told: list[str] = []
    reader = Store(tmp_path, told.append)
    while any(writer.poll() is None for writer in writers):
        reader.read()

    assert [writer.wait() for writer in writers] == [0] * WRITERS
    entries = json.loads(file.read_text("utf-8"))["entries"]
    assert entries["1.1"]["hints"] == WRITERS * ROUNDS
    assert [entries[number]["hints"] for number in numbers] == [ROUNDS] * WRITERS
    assert told == []
    assert not list(tmp_path.rglob("*.new"))
