"""The places that repeat an exercise: the table in the README, the notebook's cells.

The exercise's file is the truth. ``python -m workshop.exercises.starts`` writes these
views of it, and a test compares them with what it would write.
"""

import ast
import json
import re
from pathlib import Path
from typing import Any

from workshop.exercises.catalogue import Exercise

TABLE_BEGINS = "<!-- The table is written by workshop.exercises.starts. -->"
TABLE_ENDS = "<!-- Here the table ends. -->"

LOADER = "%load_ext workshop.exercises"  # makes %%exercise, %hint and %solution known

# The ids of the cells that are written here: 01-e5-text, 01-e5, 01-e5-hint.
_OURS = re.compile(r"\d\d-(exercises|e\d+(-text|-hint)?)")

Cell = dict[str, Any]


def table(exercises: list[Exercise]) -> str:
    """The rows of a stage's README, with the minutes of each and of all."""
    rows = ["| exercise | after section | minutes |", "| --- | --: | --: |"]
    for exercise in exercises:
        link = f"[{exercise.number} {exercise.title}](exercises/{exercise.path.name})"
        rows.append(f"| {link} | {exercise.section} | {exercise.minutes} |")
    minutes = sum(exercise.minutes for exercise in exercises)
    rows.append(f"| all {len(exercises)} | | {minutes} |")
    return "\n".join(rows)


def with_table(readme: str, exercises: list[Exercise]) -> str:
    """The README with the table between its two comments, where it has them."""
    if TABLE_BEGINS not in readme:
        return readme
    before, _, rest = readme.partition(TABLE_BEGINS)
    _, _, after = rest.partition(TABLE_ENDS)
    return f"{before}{TABLE_BEGINS}\n{table(exercises)}\n{TABLE_ENDS}{after}"


def cells(exercise: Exercise) -> list[Cell]:
    """The three cells of an exercise: what is asked for, the part, and a hint."""
    name = f"{exercise.stage.name[:2]}-e{exercise.number.partition('.')[2]}"
    file = f"../{exercise.stage.name}/exercises/{exercise.path.name}"
    heading = (
        f"### Exercise {exercise.number} · {exercise.title}\n\n"
        f"*About {exercise.minutes} minutes.* {exercise.task}\n\n"
        f"```python\n{around(exercise)}\n```\n\n"
        f"All of this is the file [{exercise.path.name}]({file}). Your part of it is "
        "the next cell. Change that, and run it with Ctrl+Enter: it writes your part "
        "into the file, and checks it."
    )
    part = f"%%exercise {exercise.number}\n{exercise.start_parts.part.strip()}"
    # As a comment, so that "Run All Cells" does not use up the hints.
    hint = (
        "# Stuck? Take the # before the % away, and run this cell.\n"
        f"# %hint {exercise.number}"
    )
    return [
        _cell("markdown", f"{name}-text", heading),
        _cell("code", name, part),
        _cell("code", f"{name}-hint", hint),
    ]


def around(exercise: Exercise) -> str:
    """The program around the part, without its head and without what runs it."""
    parts = exercise.start_parts
    head = ast.parse(exercise.start).body[0]
    lines = parts.before.splitlines()[head.end_lineno or 0 : -1]
    after, _, _ = parts.after.partition('if __name__ == "__main__":')
    lines += [f"# {exercise.name}: your part is the next cell"]
    lines += after.splitlines()[1:]
    return "\n".join(lines).strip()


def _cell(kind: str, identifier: str, source: str) -> Cell:
    cell: Cell = {"cell_type": kind}
    if kind == "code":
        cell["execution_count"] = None
    cell["id"] = identifier
    cell["metadata"] = {}
    if source.startswith("%"):
        cell["metadata"] = {"tags": _tags(source, identifier)}
    if kind == "code":
        cell["outputs"] = []
    cell["source"] = source.splitlines(keepends=True)
    return cell


def _tags(source: str, identifier: str) -> list[str]:
    """Marks for the edition that runs in a browser.

    A check of stage 04 wants a Django of its own, so a process of its own. A page has
    one process, in which the notebook has set Django up already.
    """
    if source.startswith("%%exercise") and identifier.startswith("04"):
        return ["needs-machine", "exercise"]
    return ["exercise"]


def with_cells(notebook: dict[str, Any], exercises: list[Exercise]) -> dict[str, Any]:
    """The notebook with the cells of each exercise whose section it has, at its end."""
    here = {_section(cell) for cell in notebook["cells"]}
    exercises = [exercise for exercise in exercises if exercise.section in here]
    wanted = [(exercise.section, cells(exercise)) for exercise in exercises]
    # By their form: among them are those of exercises that are there no more.
    kept = [cell for cell in notebook["cells"] if not _OURS.fullmatch(cell["id"])]
    if not exercises:
        return notebook | {"cells": kept}
    loader = _cell("code", f"{exercises[0].stage.name[:2]}-exercises", LOADER)
    found: list[Cell] = []
    section = -1
    for cell in [*kept, None]:
        following = _section(cell)
        if cell is None or (following is not None and following != section):
            for after, some in wanted:
                if after == section:
                    found += some
            section = section if following is None else following
        if cell is not None:
            found.append(cell)
            if "sys.path[:0]" in "".join(cell["source"]):
                found.append(loader)  # now that the tools can be found
    return notebook | {"cells": found}


def _section(cell: Cell | None) -> int | None:
    """The number of the section that begins with a cell; 0 for one without a number."""
    if cell is None or cell["cell_type"] != "markdown":
        return None
    first = "".join(cell["source"]).partition("\n")[0]
    if not first.startswith("## "):
        return None
    number = first.removeprefix("## ").partition(".")[0]
    return int(number) if number.isdigit() else 0


def as_text(notebook: dict[str, Any]) -> str:
    """As Jupyter writes a notebook."""
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def readme_of(stage: Path) -> Path:
    return stage / "README.md"


def notebooks_of(stage: Path) -> list[Path]:
    """A stage may have several; their sections have numbers that go on."""
    return sorted((stage.parent / "notebooks").glob(f"{stage.name}*.ipynb"))
