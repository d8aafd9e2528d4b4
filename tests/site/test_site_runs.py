"""What a run of the notebooks shows of the machine that it ran on."""

import sys

import nbformat

from workshop.command.places import ROOT
from workshop.site.runs import without_this_machine


def test_an_output_shows_a_learners_folders_in_place_of_this_machines() -> None:
    text = f"{ROOT}/notebooks/first.py:3\n{sys.base_prefix}/lib/asyncio.py:7\n"
    output = nbformat.v4.new_output("stream", text=text)
    cell = nbformat.v4.new_code_cell("print()", outputs=[output])
    shown = without_this_machine(nbformat.v4.new_notebook(cells=[cell]))
    assert shown.cells[0].outputs[0].text == (
        "/home/you/course/notebooks/first.py:3\n/usr/lib/asyncio.py:7\n"
    )
