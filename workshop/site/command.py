"""``python3 -m workshop site``: registered in ``pyproject.toml``."""

import time
import webbrowser
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from workshop.command import environment, ports
from workshop.command.errors import COMMAND, UserError
from workshop.command.parser import Parser
from workshop.command.places import ROOT

BUILD = ROOT / "build"
SITE = BUILD / "site"
STAMP = "built-from.txt"  # in the site: a name for the files that it was built from


def main(arguments: list[str]) -> int:
    """Build the site, or serve the one that is built.

    Args:
        arguments: what the user typed after ``site``.

    Returns:
        The exit code: 0; 1 if the edition in the browser is left out.

    Raises:
        UserError: a wrong argument, or something that the user can fix.
    """
    parser = Parser(prog=f"{COMMAND} site", description="Build the course as a site.")
    parser.add_argument("--open", action="store_true", help="open it when it is built")
    parser.add_argument(
        "--serve", action="store_true", help="serve the site that is built; Ctrl-C ends"
    )
    parser.add_argument("--port", type=ports.parse_port, default=8080)
    parser.add_argument(
        "--without-edition",
        action="store_true",
        help="leave out what runs in the browser: no npm and no network are needed",
    )
    options = parser.parse_args(arguments)
    if options.serve:
        return serve(options.port, options.open)

    complete = build(edition_too=not options.without_edition)
    print(f"The site is in {SITE.relative_to(ROOT)}. To run its notebooks, serve it:")
    print(f"  {COMMAND} site --serve")
    if options.open:
        webbrowser.open((SITE / "index.html").as_uri())
    return 0 if complete else 1


def build(edition_too: bool = True, out: Path = SITE) -> bool:
    """Build the site.

    Args:
        edition_too: with the edition that runs in the browser.
        out: the folder to make.

    Returns:
        Is everything there that was asked for?

    Raises:
        UserError: Sphinx is not here, a notebook fails, or a page has a mistake.
    """
    lacking = environment.add_site()
    if lacking:
        raise UserError(f"The site cannot be built. {lacking}")
    # Only now can they be imported.
    from workshop.site import edition, page_python, pages, runs, slides

    began = time.monotonic()

    def say(sentence: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {sentence}", flush=True)

    work = BUILD / "work"
    complete = True
    with ThreadPoolExecutor() as beside:
        # Three things that mostly wait: a network, the notebooks, other processes.
        fetching = beside.submit(page_python.fetch, work) if edition_too else None
        notebooks = runs.run_all(BUILD / "runs", say)
        lite = None
        if fetching is not None:
            try:
                python = fetching.result()
            except UserError as error:
                say(f"left out: the edition that runs in the browser. {error}")
                complete = False
            else:
                say("building the edition that runs in the browser")
                lite = beside.submit(edition.build, notebooks, python, work)
        say("building the pages")
        pages.build(notebooks, out, work, with_edition=lite is not None)
        say("building the slides")
        (out / "slides").mkdir(exist_ok=True)
        for stem, notebook in notebooks.items():
            document = slides.page(notebook, stem, f"../notebooks/{stem}.html")
            (out / "slides" / f"{stem}.html").write_text(document, "utf-8")
        if lite is not None:
            lite.result().rename(out / "run")
    (out / STAMP).write_text(runs.state_of_the_repository(), "utf-8")
    say("done")
    return complete


def serve(port: int, open_it: bool) -> int:
    """Serve the site that has been built, until Ctrl-C.

    Raises:
        UserError: there is none, or the port is taken.
    """
    from workshop.site.serving import served

    if not (SITE / "index.html").is_file():
        raise UserError(f"No site is built yet: {COMMAND} site")
    ports.require_free(port)
    with served(SITE, port) as address:
        print(f"The course is at {address}/ (Ctrl-C stops)", flush=True)
        if open_it:
            webbrowser.open(address)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            print()
    return 0
