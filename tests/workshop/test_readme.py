"""What the README tells a reader to type works as it stands."""

import re
from pathlib import Path
from urllib.request import urlopen

import pytest
from websockets.sync.client import connect

from tests.support.processes import ROOT, server_process

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^uvicorn (.+)$", README, re.MULTILINE)


def test_the_readme_gives_one_plain_uvicorn_command_for_each_stage() -> None:
    folders = [command.split()[1] for command in COMMANDS]
    assert folders == sorted(path.name for path in ROOT.glob("0*_*"))


@pytest.mark.parametrize("ws", ["websockets", "websockets-sansio", "wsproto"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_plain_uvicorn_command_serves_a_page_and_a_websocket(
    command: str, ws: str, tmp_path: Path
) -> None:
    words = ["-m", "uvicorn", *command.split(), "--port", "0", "--ws", ws]
    database = f"sqlite:///{tmp_path / 'db.sqlite3'}"
    with server_process(words, DATABASE_URL=database) as server:
        with urlopen(server.url) as page:
            assert page.headers["content-type"].startswith("text/html")
        with connect(server.url.replace("http", "ws") + "/") as websocket:
            websocket.send("ping")
            assert websocket.recv(timeout=300)
    assert "Traceback" not in server.log


def test_every_link_of_the_readmes_leads_to_a_file() -> None:
    files = [ROOT / "README.md", ROOT / "benchmarks" / "README.md"]
    files += ROOT.glob("0*_*/**/*.md")
    for file in files:
        links = re.findall(r"\]\((?!https?:|#)([^)#]+)", file.read_text("utf-8"))
        missing = [link for link in links if not (file.parent / link).exists()]
        assert not missing, f"{file.name} links to {missing}"


def test_every_link_to_a_heading_leads_to_one() -> None:
    files = [*ROOT.glob("*.md"), *ROOT.glob("0*_*/**/*.md"), *ROOT.glob("bench*/*.md")]
    for file in files:
        links = re.findall(
            r"\]\((?!https?:)([^)#]*)#([^)]+)\)", file.read_text("utf-8")
        )
        for name, anchor in links:
            target = file.parent / name if name else file
            titles = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
            anchors = {anchor_of(title) for title in titles}
            assert anchor in anchors, f"{file.name} links to {name}#{anchor}"


def anchor_of(title: str) -> str:
    """What GitHub and JupyterLab call a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
