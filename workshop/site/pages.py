"""The browsable course: every README, notebook and code file as a page, with a search.

Sphinx builds it from a copy of the repository's texts, in which

1. a notebook holds the outputs of this machine's run, and leads to its slides and to
   the edition that runs in a browser;
2. a code file is a page of its own, so that each link to it opens it;
3. a link to a folder opens the folder's README or its list of code.

All warnings are errors: a link that leads nowhere ends the build.
"""

import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from html import escape
from pathlib import Path, PurePosixPath

import nbformat

from workshop.command.errors import UserError
from workshop.command.places import ROOT
from workshop.site.runs import tracked

HERE = Path(__file__).parent
FRONT = HERE / "front.md"
LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")
OUTSIDE = re.compile(r"[a-z]+:|//")
LANGUAGES = {
    ".py": "python",
    ".js": "javascript",
    ".html": "html+django",
    ".css": "css",
    ".toml": "toml",
    ".conf": "nginx",
    ".env": "ini",
    ".service": "ini",
    ".yaml": "yaml",
    ".yml": "yaml",
}
NAMES = {"LICENSE": "text", "Dockerfile": "docker"}  # code files without an ending
# A page of code stands in no table of contents: the theme draws the whole table beside
# each page, and 200 entries on each of 250 pages took two minutes.
ORPHAN = "---\norphan: true\n---\n\n"
PICTURE = (
    "![A timeline: the task called blocks works for 0.42 s in one piece, and the "
    "metronome, which is ready, does not tick](notebooks/pictures/timeline.svg)"
)
PICTURES = {".svg", ".png"}
STAGES = {
    "01_asyncio_basics": "01 · asyncio basics",
    "02_coroutines": "02 · coroutines",
    "03_asgi_raw": "03 · raw ASGI",
    "04_django_wrapper": "04 · Django",
}


def build(
    runs: dict[str, nbformat.NotebookNode], out: Path, work: Path, with_edition: bool
) -> None:
    """Build the pages.

    Args:
        runs: for each notebook's name, the notebook with outputs.
        out: the folder of the site.
        work: a folder for the copy of the texts.
        with_edition: lead to the edition that runs in the browser.

    Raises:
        UserError: Sphinx has found a mistake.
    """
    source = work / "pages"
    shutil.rmtree(source, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    write_sources(runs, source, with_edition)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-j", "auto"]
    built = subprocess.run(
        [*command, "-c", str(HERE / "sphinx"), str(source), str(out)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    # Sphinx's memory and its copy of the sources are of no use to a reader.
    for name in (".doctrees", "_sources"):
        shutil.rmtree(out / name, ignore_errors=True)
    if built.returncode:
        raise UserError(
            f"Sphinx ended with exit code {built.returncode}. What it said of the "
            f"pages:\n{built.stdout}{built.stderr}"
        )


def write_sources(
    runs: dict[str, nbformat.NotebookNode], source: Path, with_edition: bool
) -> None:
    """Write what Sphinx reads."""
    names = tracked()
    texts = [n for n in names if n.endswith(".md") and ROOT / n != FRONT]
    linked: set[str] = set()

    for name in texts:
        text = (ROOT / name).read_text("utf-8")
        _write(source / name, _prepared(text, name, names, linked))
    for stem, notebook in runs.items():
        name = f"notebooks/{stem}.ipynb"
        copy = nbformat.reads(nbformat.writes(notebook), as_version=4)
        for cell in copy.cells:
            if cell.cell_type == "markdown":
                cell.source = _prepared(cell.source, name, names, linked)
        copy.cells[0].source += _doors(stem, with_edition)
        _write(source / name, nbformat.writes(copy))
    for name in names:
        if PurePosixPath(name).suffix in PICTURES:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)

    # All code of the stages; of the tools only what a text leads to.
    code = [n for n in names if _is_code(n) and n.split("/")[0] in STAGES]
    code = sorted({*code, *linked})
    for name in code:
        _write(source / f"{name}.md", _code_page(name))
    for folder in sorted({name.split("/")[0] for name in code if "/" in name}):
        files = [name for name in code if name.startswith(f"{folder}/")]
        _write(source / folder / "code.md", _code_list(folder, files))
    others = [name for name in code if "/" not in name]
    _write(source / "index.md", _front_page(texts, runs, others, code, with_edition))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _is_code(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix in LANGUAGES or path.name in NAMES


def _prepared(text: str, name: str, names: list[str], linked: set[str]) -> str:
    """A text whose links lead to pages of the site."""
    folder = posixpath.dirname(name)

    def lead(match: re.Match[str]) -> str:
        before, target, anchor, after = match.groups("")
        if OUTSIDE.match(target):
            return match[0]
        path = posixpath.normpath(posixpath.join(folder, target))
        page = page_of(path, names, linked)
        if page is None:
            return match[0]
        if page != path:
            anchor = ""  # a line number, which a page of code does not have
        return before + posixpath.relpath(page, folder or ".") + anchor + after

    return LINK.sub(lead, text)


def page_of(path: str, names: list[str], linked: set[str]) -> str | None:
    """The source of the page about a file or folder; None: Sphinx will complain."""
    if path in names:
        if not _is_code(path):
            return path
        linked.add(path)
        return f"{path}.md"
    if f"{path}/README.md" in names:
        return f"{path}/README.md"
    if path == "notebooks":
        return "index.md"
    inside = [name for name in names if name.startswith(f"{path}/") and _is_code(name)]
    if inside:
        linked.update(inside)
        return f"{path.split('/')[0]}/code.md"
    return None


def _doors(stem: str, with_edition: bool) -> str:
    """The links below a notebook's title."""
    links = f'<a href="../slides/{stem}.html">Slides</a>'
    if with_edition:
        run = f"../run/notebooks/index.html?path=notebooks/{stem}.ipynb"
        links = f'<a class="run" href="{run}">▶ Run it in the browser</a> {links}'
    return f'\n\n```{{raw}} html\n<p class="doors">{links}</p>\n```\n'


def _code_page(name: str) -> str:
    path = ROOT / name
    language = NAMES.get(path.name) or LANGUAGES.get(path.suffix, "text")
    code = path.read_text("utf-8")
    fence = "`" * (max((len(run) for run in re.findall("`+", code)), default=2) + 1)
    fence = fence.ljust(3, "`")
    block = f"{fence}{{code-block}} {language}\n:linenos:\n\n{code}\n{fence}\n"
    # In code quotes: __init__ would be bold.
    return f"{ORPHAN}# `{name}`\n\n{block}"


def _code_list(folder: str, files: Iterable[str]) -> str:
    entries = "\n".join(f"* [`{name}`](/{name}.md)" for name in files)
    title = STAGES.get(folder, folder)
    return f"# Code of {title}\n\n{entries}\n"


def _front_page(
    texts: list[str],
    notebooks: dict[str, nbformat.NotebookNode],
    others: list[str],
    code: list[str],
    with_edition: bool,
) -> str:
    """The first page: what this is, the four stages, and the map of all pages."""
    cards = "\n".join(
        _card(stem, notebook, with_edition) for stem, notebook in notebooks.items()
    )
    front = FRONT.read_text("utf-8").replace("CARDS", cards).replace("PICTURE", PICTURE)
    general = [name for name in texts if "/" not in name and name != "README.md"]
    groups = {"The course": ["README.md", *general]}
    for folder, title in STAGES.items():
        readme = f"{folder}/README.md"
        walks = [f"notebooks/{n}.ipynb" for n in notebooks if n.startswith(folder)]
        own = [n for n in texts if n.startswith(f"{folder}/") and n != readme]
        groups[title] = [readme, *walks, f"{folder}/code.md", *own]
    rest = [n for n in texts if "/" in n and n.split("/")[0] not in STAGES]
    lists = sorted({f"{n.split('/')[0]}/code.md" for n in code if "/" in n})
    rest += [name for name in lists if name.split("/")[0] not in STAGES]
    groups["Tools"] = [*rest, *(f"{name}.md" for name in others)]
    trees = [_tree(caption, pages) for caption, pages in groups.items()]
    return front + "\n" + "\n".join(trees)


def _card(stem: str, notebook: nbformat.NotebookNode, with_edition: bool) -> str:
    """A notebook on the first page: its title, its minutes, and what leads to it."""
    text = notebook.cells[0].source
    title = escape(text.partition("\n")[0].removeprefix("# "))
    title = re.sub("`(.+?)`", r"<code>\1</code>", title)
    minutes = re.search(r"\*\*Time\*\* about (\d+) minutes", text)
    time = f'<span class="minutes">{minutes[1]} minutes</span>' if minutes else ""
    links = f'<a href="slides/{stem}.html">Slides</a>'
    if with_edition:
        run = f"run/notebooks/index.html?path=notebooks/{stem}.ipynb"
        links = f'<a class="run" href="{run}">▶ Run</a> {links}'
    read = f'<a class="read" href="notebooks/{stem}.html">{title}</a>'
    return f"<li>{read} {time} {links}</li>"


def _tree(caption: str, pages: list[str]) -> str:
    entries = "\n".join("/" + re.sub(r"\.(md|ipynb)$", "", page) for page in pages)
    options = f":hidden:\n:maxdepth: 1\n:caption: {caption}"
    return f"```{{toctree}}\n{options}\n\n{entries}\n```\n"
