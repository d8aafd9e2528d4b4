"""Write ``answers/starts.json``: the exercises as they are handed out.

``python -m workshop.exercises.starts`` is for whoever writes exercises, after each
change of an exercise's file. Reset, and the state *not begun*, go by what it writes.
"""

import json

from workshop.command.environment import ROOT
from workshop.exercises.catalogue import STARTS, files


def write() -> None:
    """Take every stage's exercises, as their files are now, for the start."""
    for stage in sorted(ROOT.glob("[0-9][0-9]_*")):
        texts = {path.name: path.read_text("utf-8") for path in files(stage)}
        if texts:
            path = stage / "exercises" / "answers" / STARTS
            words = json.dumps(texts, ensure_ascii=False, indent=1)
            path.write_text(words + "\n", encoding="utf-8", newline="\n")
            print(f"{path.relative_to(ROOT)}: {len(texts)} exercises")


if __name__ == "__main__":
    write()
