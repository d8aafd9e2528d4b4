"""Walk a notebook of the edition in a browser, cell after cell, as a learner would."""

import time
from dataclasses import dataclass, field
from typing import Any, Protocol

RUN_CELL = """async (index) => {
  const panel = window.jupyterapp.shell.currentWidget;
  panel.content.activeCellIndex = index;
  panel.content.deselectAll();
  await window.jupyterapp.commands.execute('notebook:run-cell');
  const cell = panel.content.model.cells.get(index).sharedModel;
  return {id: cell.id, count: cell.execution_count, outputs: cell.getOutputs()};
}"""
ADD_CELL = """async (source) => {
  const cells = window.jupyterapp.shell.currentWidget.content.model.sharedModel;
  cells.addCell({cell_type: 'code', source});
  return cells.cells.length - 1;
}"""
CODE_CELLS = """() => {
  const cells = [...window.jupyterapp.shell.currentWidget.content.model.cells];
  return cells.flatMap((cell, index) => cell.type === 'code' ? [index] : []);
}"""
READY = """() => window.jupyterapp
  && window.jupyterapp.shell.currentWidget
  && window.jupyterapp.shell.currentWidget.content
  && window.jupyterapp.shell.currentWidget.content.model
  && window.jupyterapp.shell.currentWidget.content.model.cells.length > 3
  && window.jupyterapp.shell.currentWidget.sessionContext
  && window.jupyterapp.shell.currentWidget.sessionContext.session
  && window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"""


class Tab(Protocol):
    """What a walk needs of a browser: Playwright's page has it, and Firefox's."""

    async def goto(self, url: str) -> Any: ...
    async def evaluate(self, expression: str, argument: Any = None) -> Any: ...
    async def wait_for_function(self, condition: str) -> Any: ...


@dataclass
class Walk:
    """What a walk has seen: outputs and errors by cell, and the first answer's time."""

    outputs: dict[str, list[Any]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    first_output: float = 0.0  # seconds after the page was asked for


async def walk(page: Tab, site: str, name: str) -> Walk:
    """Open a notebook of the edition and run its cells, also after an error.

    Args:
        page: where.
        site: the address of the edition.
        name: of the notebook.
    """
    found = Walk()
    began = time.monotonic()
    await page.goto(f"{site}/notebooks/index.html?path=notebooks/{name}.ipynb")
    await page.wait_for_function(READY)
    for index in await page.evaluate(CODE_CELLS):
        cell = await page.evaluate(RUN_CELL, index)
        found.outputs[cell["id"]] = cell["outputs"]
        if cell["outputs"] and not found.first_output:
            found.first_output = time.monotonic() - began
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                found.errors[cell["id"]] = f"{output['ename']}: {output['evalue']}"
    return found


async def run_code(page: Tab, code: str) -> list[Any]:
    """The outputs of code in a new cell at the end of the open notebook."""
    index = await page.evaluate(ADD_CELL, code)
    cell = await page.evaluate(RUN_CELL, index)
    outputs: list[Any] = cell["outputs"]
    return outputs
