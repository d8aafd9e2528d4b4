"""Draw the READMEs' pictures, with the renderer that the notebooks use.

``python notebooks/pictures/draw.py [FOLDER]`` writes them beside this file, or into
another folder. The programs of the first two run
for real, on a clock that only moves where a program waits or blocks, so that the same
programs always give the same pictures.
"""

import asyncio
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STEP = 8  # of the stepper: both coroutines sleep, and one has just run
for folder in (ROOT, ROOT / "01_asyncio_basics", ROOT / "02_coroutines"):
    sys.path.append(str(folder))

import diagrams  # noqa: E402
import tiny_fetch_receive  # noqa: E402
import what_blocks  # noqa: E402
from stepping import Stepper  # noqa: E402

from workshop.exercises.clock import Clock  # noqa: E402
from workshop.pictures.timeline import Timeline  # noqa: E402


def timeline() -> str:
    """Stage 01's program in which one call blocks all others, as SVG."""
    clock = Clock()
    picture = Timeline("One call blocks, and a metronome stands still", echo=False)
    with clock.installed(), asyncio.Runner(loop_factory=clock.new_loop) as runner:
        runner.run(picture.run(what_blocks.blocks()))
    return picture.svg()


def stepper() -> str:
    """Stage 02's event loop in the middle of the course's first program, as SVG."""
    loop = Stepper(tiny_fetch_receive.main)
    loop.run(STEP)
    return loop.svg()


PICTURES = {
    "timeline.svg": timeline,
    "stepper.svg": stepper,
    "one_websocket.svg": diagrams.one_websocket,
    "layer.svg": diagrams.layer,
    "groups.svg": diagrams.groups,
    "chat_message.svg": diagrams.chat_message,
}


def main(folder: Path) -> None:
    """Write each picture into ``folder``."""
    for name, draw in PICTURES.items():
        (folder / name).write_text(draw() + "\n", encoding="utf-8")
        print(folder / name)


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        main(HERE)
