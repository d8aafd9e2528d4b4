"""The stages: their folders, and the server that runs one of them."""

import os
import subprocess
import sys
from pathlib import Path

from workshop.command.errors import COMMAND, UserError
from workshop.command.places import ROOT
from workshop.command.tool import run_tool

ACTIVATE = "source .venv/bin/activate"
if os.name == "nt":
    ACTIVATE = r".venv\Scripts\activate"


def stages() -> list[Path]:
    """The folders of all stages, in order."""
    return sorted(path for path in ROOT.glob("[0-9][0-9]_*") if path.is_dir())


def find_stage(text: str, command: str) -> Path:
    """The folder of the stage whose number ``text`` writes: ``3`` and ``03``.

    Args:
        text: what the user typed.
        command: for the example in the message: ``serve``.

    Raises:
        UserError: it is no stage's number.
    """
    for stage in stages():
        if text.zfill(2) == stage.name[:2]:
            return stage
    said = "Which stage?"
    if text:
        said = f"There is no stage {text!r}."
    names = ", ".join(f"{int(stage.name[:2])} ({stage.name})" for stage in stages())
    raise UserError(f"{said} The stages: {names}. For example: {COMMAND} {command} 1")


def serve(stage: Path, port: int) -> int:
    """Run a stage under uvicorn, and show how to do so by hand.

    Args:
        stage: its folder.
        port: a free port of this machine.

    Raises:
        UserError: stage 04's database could not be migrated.
    """
    django = (stage / "manage.py").is_file()
    application = "app:application"
    if django:
        application = "websocket_app.asgi:application"
    migrate = [f"{stage.name}/manage.py", "migrate", "--verbosity", "0"]
    uvicorn = ["--app-dir", stage.name, application, "--port", str(port)]

    print(f"Stage {stage.name[:2]} at http://127.0.0.1:{port}/  (Ctrl-C stops it)")
    print("This terminal runs the server. Open a second one for other commands.")
    print(
        f"The same by hand, in this folder, with the environment active ({ACTIVATE}):"
    )
    if django:
        print("    python", *migrate)
    print("    uvicorn", *uvicorn, flush=True)

    if django:
        _migrate(migrate)
    return run_tool("uvicorn", *uvicorn)


def _migrate(arguments: list[str]) -> None:
    """Bring the database of stage 04 up to date."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise UserError(f"The database could not be migrated: {lines[-1]}")
