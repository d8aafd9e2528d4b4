"""What a Dockerfile and a compose file describe, done in a folder without containers.

There is no engine where the tests run. So COPY copies, RUN runs where that takes
seconds, and CMD is the command of a process. What cannot be done is in ``SKIPPED``.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from tests.support.processes import ROOT

DEPLOYMENT = ROOT / "04_django_wrapper" / "deployment"
SKIPPED = ("useradd",)  # it would make a user on this machine


@dataclass
class Image:
    """What one stage of the Dockerfile has made.

    Attributes:
        root: the folder that stands for ``/``.
        folder: the WORKDIR.
        environment: what ENV has set.
        command: what CMD says.
    """

    root: Path
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)

    def at(self, path: str) -> Path:
        """The place of a path of the image on this machine."""
        whole = PurePosixPath(self.folder, path)
        return self.root / whole.relative_to("/")


def build(stage: str, folder: Path, others: dict[str, Image], **values: str) -> Image:
    """Do what one stage of the Dockerfile says.

    Args:
        stage: its name.
        folder: for the image.
        others: the images of earlier stages, by their names.
        values: for ARG.
    """
    text = (DEPLOYMENT / "Dockerfile").read_text("utf-8")
    image = Image(folder)
    image.root.mkdir()
    current = ""
    for word, rest in instructions(text):
        if word == "FROM":
            base, current = rest.split(" AS ")
            assert re.fullmatch(r"\w+:\d[\w.-]*", base), f"no version: {base}"
        if word == "FROM" or current != stage:
            continue
        rest = re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], rest)
        if word == "ARG":
            name, default = rest.split("=")
            values.setdefault(name, default)
        elif word == "WORKDIR":
            image.folder = rest
            image.at(".").mkdir(parents=True, exist_ok=True)
        elif word == "ENV":
            image.environment |= dict(pair.split("=") for pair in rest.split())
        elif word == "COPY":
            copy(image, others, rest.split())
        elif word == "RUN":
            run(image, rest)
        elif word == "CMD":
            image.command = list(yaml.safe_load(rest))
        else:
            assert word in ("USER", "EXPOSE"), f"unknown: {word}"
    return image


def instructions(text: str) -> list[tuple[str, str]]:
    """Each instruction of a Dockerfile: its first word, and the rest."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = re.sub(r" *\\\n\s*", " ", "\n".join(lines))
    return [
        (word, rest)
        for word, _, rest in (
            line.partition(" ") for line in joined.splitlines() if line
        )
    ]


def copy(image: Image, images: dict[str, Image], words: list[str]) -> None:
    """COPY: from the repository, or from another image."""
    source_root = ROOT
    if words[0].startswith("--from="):
        source_root = images[words.pop(0).removeprefix("--from=")].root
    *sources, target = words
    ignore = shutil.ignore_patterns(*ignored())
    for source in sources:
        path = source_root / source.lstrip("/")
        place = image.at(target)
        if path.is_dir():
            whole = source_root != ROOT
            shutil.copytree(path, place, ignore=None if whole else ignore)
        else:
            if target.endswith("/"):
                place /= path.name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)


def ignored() -> list[str]:
    """The patterns of ``Dockerfile.dockerignore``, all of which begin with ``**/``."""
    text = (DEPLOYMENT / "Dockerfile.dockerignore").read_text("utf-8")
    patterns = [line for line in text.splitlines() if line and line[0] != "#"]
    assert all(pattern.startswith("**/") for pattern in patterns)
    return [pattern.removeprefix("**/") for pattern in patterns]


def run(image: Image, command: str) -> None:
    """RUN: here, with the test's own packages."""
    words = shlex.split(command)
    environment = {**os.environ, **image.environment}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        environment[name] = value
    if words[0] in SKIPPED:
        return
    if words[:2] == ["pip", "install"]:
        # With what is installed here, pip must have nothing to do.
        words = ["python", "-m", *words, "--dry-run", "--no-index", "--quiet"]
    if words[0] == "python":
        words[0] = sys.executable
    elif words[0] == "sed":
        words[-1] = os.fspath(image.at(words[-1]))
    else:
        raise AssertionError(f"this test does not know how to run {command!r}")
    done = subprocess.run(
        words, cwd=image.at("."), env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def compose(variables: dict[str, str], *files: str) -> dict[str, dict[str, Any]]:
    """The services of ``compose.yaml``, and of files that add to it.

    Args:
        variables: what the file ``.env`` sets.
        files: their names, in the order of ``docker compose --file``.
    """
    services: dict[str, dict[str, Any]] = {}
    for file in files:
        text = (DEPLOYMENT / file).read_text("utf-8")
        filled = re.sub(
            r"\$\{(\w+)(:\?[^}]+)?\}", lambda found: variables[found[1]], text
        )
        for name, service in yaml.safe_load(filled)["services"].items():
            if "extends" in service:
                service = services[service["extends"]["service"]] | service
            services[name] = merged(services.get(name, {}), service)
    return services


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Compose's merge: mappings join, lists grow, all else is replaced."""
    result = dict(one)
    for key, value in other.items():
        if isinstance(value, dict) and key in one:
            result[key] = merged(one[key], value)
        elif isinstance(value, list) and key in one and key != "command":
            result[key] = one[key] + value
        else:
            result[key] = value
    return result
