"""The exercises of all stages, and what is read from their files.

Nothing here runs a line of a learner's or of an answer: both are only read. A
learner can break a file, so the start of each exercise is read from
``answers/starts.json``; ``python -m workshop.exercises.starts`` writes it.
"""

import ast
import difflib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from workshop.command.errors import COMMAND, UserError
from workshop.command.places import ROOT
from workshop.exercises.marks import BEGIN, END, Damaged, Parts, same, split

STARTS = "starts.json"
_FILE = re.compile(r"e(\d+)_\w+\.py")
_NUMBER = re.compile(r"(\d{1,2})[.,](\d{1,2})")
_HEAD = re.compile(
    r'"""Exercise (?P<number>\d+\.\d+) · (?P<title>.+)\n\n'
    r"(?P<minutes>\d+) minutes, after section (?P<section>\d+) of the notebook\.\n"
    r"Check it: python3 -m workshop exercise (?P<again>\d+\.\d+)\n\n"
)


@dataclass(frozen=True)
class Exercise:
    """One exercise: where its files are, and how it was handed out.

    Args:
        path: the file that the learner edits.
        start: the text of that file as it was handed out.
    """

    path: Path
    start: str

    @property
    def answers_path(self) -> Path:
        return self.path.parent / "answers" / self.path.name

    @property
    def stage(self) -> Path:
        """The folder of its stage."""
        return self.path.parent.parent

    @cached_property
    def head(self) -> dict[str, str]:
        found = _HEAD.match(self.start)
        if found is None:
            raise ValueError(f"{self.path.name}: its head has another form")
        return found.groupdict()

    @property
    def number(self) -> str:
        return self.head["number"]

    @property
    def title(self) -> str:
        return self.head["title"]

    @property
    def minutes(self) -> int:
        return int(self.head["minutes"])

    @property
    def section(self) -> int:
        """The section of the stage's notebook after which it comes."""
        return int(self.head["section"])

    @cached_property
    def task(self) -> str:
        """The task: the head's text, each paragraph on one line."""
        text = ast.get_docstring(ast.parse(self.start)) or ""
        _, _, rest = text.partition(f"exercise {self.number}\n\n")
        paragraphs = [" ".join(words.split()) for words in rest.split("\n\n")]
        return "\n\n".join(paragraphs).replace("``", "`")

    @cached_property
    def start_parts(self) -> Parts:
        return split(self.start)

    @cached_property
    def target(self) -> ast.stmt:
        """The one function, class or assignment that the learner changes."""
        [target] = ast.parse(self.start_parts.part).body
        return target

    @property
    def name(self) -> str:
        """The name of the learner's function, class or value."""
        return name_of(self.target)

    def read(self, path: Path | None = None) -> str:
        """The learner's file, or another one in its place.

        Raises:
            UserError: it is not there, or is no text.
        """
        path = path or self.path
        try:
            return path.read_text("utf-8")
        except FileNotFoundError:
            words = f"There is no file {path}."
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            words = f"{path.name} is not UTF-8 text: see line {line}."
        except OSError as error:
            words = f"{path} cannot be read: {error.strerror}."
        if path == self.path:
            words += f" To begin anew: {COMMAND} exercise reset {self.number}"
        raise UserError(words)

    def parts(self, path: Path | None = None) -> Parts:
        """The learner's file, cut at its marks.

        Raises:
            UserError: it cannot be read, or its marks are not where they were.
        """
        text = self.read(path)
        if not text.strip():
            words = "the file is empty"
        else:
            try:
                return split(text)
            except Damaged as error:
                words = str(error)
        name = (path or self.path).name
        raise UserError(
            f"In {name} {words}. Your part stands between {BEGIN!r} and {END!r}. Put "
            f"them back, or begin anew (your file is kept beside the new one): "
            f"{COMMAND} exercise reset {self.number}"
        )

    def begun(self) -> bool:
        """Whether the learner's part is another one than at the start."""
        try:
            return not same(self.parts().part, self.start_parts.part)
        except UserError:
            return True

    @cached_property
    def _answers(self) -> dict[str, ast.stmt]:
        tree = ast.parse(self._answers_text)
        return {name_of(node): node for node in tree.body if name_of(node)}

    @cached_property
    def _answers_text(self) -> str:
        return self.answers_path.read_text("utf-8")

    def _assigned(self, name: str) -> ast.expr:
        node = self._answers[name]
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            raise ValueError(f"{self.answers_path}: {name} is not assigned")
        return node.value

    @cached_property
    def hints(self) -> list[str]:
        """From a question to nearly the code."""
        return [str(hint) for hint in ast.literal_eval(self._assigned("HINTS"))]

    @cached_property
    def solution(self) -> str:
        """The part with which the exercise is right."""
        return self._source(self._answers[self.name])

    @cached_property
    def wrong(self) -> list[tuple[str, str]]:
        """Parts that honest learners write, each with what the check must say."""
        table = self._assigned("WRONG")
        if not isinstance(table, ast.Tuple):
            raise ValueError(f"{self.answers_path}: WRONG is a tuple of pairs")
        found = []
        for pair in table.elts:
            if not isinstance(pair, ast.Tuple) or len(pair.elts) != 2:
                raise ValueError(f"{self.answers_path}: WRONG has pairs")
            part = self._wrong_part(pair.elts[0])
            found.append((part, str(ast.literal_eval(pair.elts[1]))))
        return found

    def _wrong_part(self, node: ast.expr) -> str:
        """A function or class of the answers under the target's name, or a value."""
        if not isinstance(node, ast.Name):
            return f"{self.name} = {ast.unparse(node)}"
        source = self._source(self._answers[node.id])
        return re.sub(rf"\b{node.id}\b", self.name, source)

    def _source(self, node: ast.stmt) -> str:
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(d.lineno for d in decorators)])
        lines = self._answers_text.splitlines()[first - 1 : node.end_lineno]
        return "\n".join(lines)


def name_of(node: ast.stmt) -> str:
    """The name that a statement defines or assigns; ``""`` if it does neither."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    if isinstance(node, ast.AnnAssign):
        target = node.target
    return target.id if isinstance(target, ast.Name) else ""


def exercises(root: Path = ROOT) -> list[Exercise]:
    """All exercises, in the order of their numbers."""
    found = []
    for stage in sorted(root.glob("[0-9][0-9]_*")):
        folder = stage / "exercises"
        starts = folder / "answers" / STARTS
        if starts.is_file():
            texts = json.loads(starts.read_text("utf-8"))
            found += [Exercise(folder / name, texts[name]) for name in texts]
    return sorted(found, key=lambda exercise: sort_key(exercise.number))


def files(stage: Path) -> list[Path]:
    """The exercises' files in a stage's folder, in the order of their numbers."""
    folder = stage / "exercises"
    return sorted(
        (path for path in folder.glob("e*.py") if _FILE.fullmatch(path.name)),
        key=lambda path: int(path.name[1 : path.name.index("_")]),
    )


def sort_key(number: str) -> tuple[int, int]:
    """``"1.10"`` comes after ``"1.9"``."""
    stage, _, place = number.partition(".")
    return int(stage), int(place)


def find(text: str, among: list[Exercise] | None = None) -> Exercise:
    """The exercise whose number ``text`` writes: ``1.5``, ``01.5``, ``1,5``.

    Raises:
        UserError: there is none; the message names the nearest.
    """
    among = exercises() if among is None else among
    by_number = {exercise.number: exercise for exercise in among}
    written = _NUMBER.fullmatch(text.strip())
    if written:
        wanted = f"{int(written[1])}.{int(written[2])}"
        if wanted in by_number:
            return by_number[wanted]
        nearest = min(among, key=lambda other: _distance(other.number, wanted))
    else:
        words = {exercise.title.lower(): exercise for exercise in among}
        words |= {exercise.path.stem: exercise for exercise in among}
        words |= {exercise.path.stem.split("_", 1)[1]: exercise for exercise in among}
        close = difflib.get_close_matches(text.lower(), words, 1, cutoff=0.5)
        nearest = words[close[0]] if close else among[0]
    raise UserError(
        f"There is no exercise {text!r}. The nearest is {nearest.number}, "
        f"{nearest.title!r}. All of them: {COMMAND} exercise list"
    )


def _distance(number: str, wanted: str) -> tuple[int, int]:
    stage, place = sort_key(number)
    wanted_stage, wanted_place = sort_key(wanted)
    return abs(stage - wanted_stage), abs(place - wanted_place)
