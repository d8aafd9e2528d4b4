"""Write what repeats the exercises' files: the starts, the READMEs, the notebooks.

``python -m workshop.exercises.starts`` is for whoever writes exercises, after each
change of an exercise's file. It writes

* ``answers/starts.json``, the files as they are handed out: reset, and the state *not
  begun*, go by it;
* the table of the exercises in the stage's README, where that has a place for it;
* the exercises' cells in the stage's notebooks, and the minutes of each notebook.
"""

import json

from workshop.command.places import ROOT
from workshop.exercises.catalogue import STARTS, exercises, files
from workshop.exercises.views import (
    as_text,
    notebooks_of,
    readme_of,
    with_cells,
    with_table,
)
from workshop.minutes import notebooks, with_time_line


def write() -> None:
    """Take every stage's exercises, as their files are now, for the start."""
    for stage in sorted(ROOT.glob("[0-9][0-9]_*")):
        texts = {path.name: path.read_text("utf-8") for path in files(stage)}
        if texts:
            path = stage / "exercises" / "answers" / STARTS
            words = json.dumps(texts, ensure_ascii=False, indent=1)
            path.write_text(words + "\n", encoding="utf-8", newline="\n")
            print(f"{path.relative_to(ROOT)}: {len(texts)} exercises")
    write_views()


def write_views() -> None:
    """Bring the READMEs and the notebooks up to date."""
    every = exercises()
    for stage in sorted({exercise.stage for exercise in every}):
        some = [exercise for exercise in every if exercise.stage == stage]
        readme = readme_of(stage)
        text = with_table(readme.read_text("utf-8"), some)
        readme.write_text(text, encoding="utf-8", newline="\n")
        for path in notebooks_of(stage):
            notebook = json.loads(path.read_text("utf-8"))
            notebook = with_cells(notebook, some)
            took = notebooks().get(path.stem)
            if took is not None:
                first = notebook["cells"][0]
                text = with_time_line("".join(first["source"]), took)
                first["source"] = text.splitlines(keepends=True)
            text = as_text(notebook)
            path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write()
