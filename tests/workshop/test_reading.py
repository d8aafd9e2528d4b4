"""``show`` shows the source of functions and classes in a notebook."""

import textwrap
from pathlib import Path

from tests.support.processes import ROOT
from workshop.reading import Source, show


class Kettle:
    """A class with a method, to be shown."""

    def boil(self) -> str:
        if self:
            return "hot"
        return "cold"


def test_show_gives_the_code_of_a_method_without_its_indentation() -> None:
    [(_, code)] = show(Kettle.boil).pieces
    assert code == textwrap.dedent(
        """\
        def boil(self) -> str:
            if self:
                return "hot"
            return "cold"
        """
    ).rstrip("\n")


def test_show_says_in_which_file_and_line_the_code_stands() -> None:
    here = Path(__file__).resolve()
    [(place, code)] = show(Kettle).pieces
    name, line = place.split(", line ")
    assert ROOT / name == here
    first = here.read_text("utf-8").splitlines()[int(line) - 1]
    assert first == code.splitlines()[0] == "class Kettle:"


def test_show_is_python_code_in_markdown_for_a_notebook() -> None:
    bundle = Source(Kettle.boil, Kettle)._repr_mimebundle_()
    markdown = bundle["text/markdown"]
    assert markdown.count("```python\ndef boil") == 1
    assert markdown.count("```python\nclass Kettle") == 1
    assert markdown.count("\n```") == 4
    assert bundle["text/plain"] == str(show(Kettle.boil, Kettle))
