"""The set-up: real environments, made by real pip from a wheel that the tests make."""

import errno
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from tests.support.ports import free_port
from tests.support.processes import (
    PATIENCE,
    ServerProcess,
    alive,
    server_process,
)
from tests.support.trees import (
    BASE_PYTHON,
    SCRIPTS,
    add_bench,
    index,
    lock,
    make_tree,
    offline,
)
from workshop.command import cli, environment, installed, pip
from workshop.command.errors import UserError

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
Done = subprocess.CompletedProcess[str]
# What pytest gets where nobody says more.
WHOLE_SUITE = [f"-n{cli.files_at_a_time(os.cpu_count())}", *cli.TOGETHER]


def start(tree: Path, *arguments: str, python: str = "", **variables: str) -> Done:
    """Run the command in ``tree``; ``test`` there tells which package it finds."""
    return subprocess.run(
        [python or BASE_PYTHON, "-m", "workshop", *(arguments or ["test"])],
        cwd=tree,
        env={**os.environ, **offline(tree), **variables},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )


def running(
    tree: Path, line: str, **variables: str
) -> AbstractContextManager[ServerProcess]:
    """The command as it runs in ``tree``, from the moment when it prints ``line``."""
    return server_process(
        ["-m", "workshop", "test"],
        python=BASE_PYTHON,
        address=re.compile(line),
        cwd=tree,
        **{**offline(tree), **variables},
    )


def inner_python(tree: Path) -> Path:
    return tree / ".venv" / SCRIPTS / ("python.exe" if os.name == "nt" else "python")


def package(tree: Path) -> Path:
    """The folder into which the packages of ``tree`` go."""
    return next((tree / ".venv").glob("[Ll]ib/**/site-packages"))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A tree after its first run, and what that run printed."""
    tree = make_tree(tmp_path_factory.mktemp("built"))
    return tree, start(tree)


@pytest.fixture
def tree(built: tuple[Path, Done], tmp_path: Path) -> Path:
    """A copy of a tree whose set-up is done."""
    return shutil.copytree(built[0], tmp_path / "tree", symlinks=True)


@pytest.fixture
def new_tree(tmp_path: Path) -> Path:
    """A tree that was never set up."""
    return make_tree(tmp_path)


def mark(tree: Path) -> Path:
    """A file in ``.venv`` that is gone once ``.venv`` was made anew."""
    path = tree / ".venv" / "mark"
    path.touch()
    return path


def test_the_first_run_installs_into_venv_and_runs_the_command_there(
    built: tuple[Path, Done],
) -> None:
    tree, done = built
    assert done.returncode == 0, done.stderr
    first, *_, last = done.stdout.splitlines()
    assert first == f"Installing 2 packages into {tree / '.venv'} (once)."
    assert last == f"tiny 1.0 in {tree / '.venv'} {WHOLE_SUITE}"


def test_a_later_run_installs_nothing(tree: Path) -> None:
    shutil.rmtree(tree / "wheels")
    done = start(tree)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"tiny 1.0 in {tree / '.venv'} {WHOLE_SUITE}\n"


def test_arguments_reach_the_command_inside_venv_untouched(tree: Path) -> None:
    done = start(tree, "test", "-k", "a or b", "--lf", "--help")
    assert done.stdout.endswith("['-k', 'a or b', '--lf', '--help']\n")


def test_a_changed_lock_is_installed_into_the_venv_that_is_there(tree: Path) -> None:
    kept = mark(tree)
    lock(tree, "1.1")
    done = start(tree)
    assert "tiny 1.1 in" in done.stdout, done.stderr
    assert kept.exists()
    assert "Installing" not in start(tree).stdout


def test_a_changed_lock_is_installed_from_inside_venv_too(tree: Path) -> None:
    lock(tree, "1.1")
    done = start(tree, python=str(inner_python(tree)))
    assert "tiny 1.1 in" in done.stdout, done.stderr


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside"])
def test_a_package_whose_files_are_gone_is_repaired_by_the_next_command(
    tree: Path, inside: bool
) -> None:
    """Its metadata is left, so pip would take it for installed."""
    kept = mark(tree)
    (package(tree) / "tiny.py").unlink()
    python = str(inner_python(tree)) if inside else ""
    told = start(tree, "doctor", python=python)
    assert ".venv is unfinished, damaged or out of date" in told.stdout
    done = start(tree, python=python)
    assert "Repairing: tiny." in done.stdout, done.stderr
    assert "tiny 1.0 in" in done.stdout, done.stderr
    assert kept.exists()
    assert "Installing" not in start(tree).stdout


def test_a_pip_whose_files_are_gone_is_repaired_by_the_next_command(tree: Path) -> None:
    shutil.rmtree(package(tree) / "pip")
    done = start(tree)
    assert "tiny 1.0 in" in done.stdout, done.stderr


def test_a_user_s_setting_of_pip_does_not_break_the_set_up(new_tree: Path) -> None:
    """``PIP_USER=1`` makes pip refuse to install into an environment."""
    done = start(new_tree, PIP_USER="1")
    assert "tiny 1.0 in" in done.stdout, done.stderr


def test_half_a_set_up_is_made_anew(tree: Path) -> None:
    gone = mark(tree)
    (tree / ".venv" / "workshop-stamp").unlink()
    (package(tree) / "tiny.py").unlink()  # which pip would not notice
    done = start(tree)
    assert "tiny 1.0 in" in done.stdout, done.stderr
    assert not gone.exists()


def test_a_venv_whose_python_is_gone_is_made_anew(tree: Path) -> None:
    inner_python(tree).unlink()
    if os.name != "nt":
        inner_python(tree).symlink_to("nowhere")
    done = start(tree)
    assert "tiny 1.0 in" in done.stdout, done.stderr


def test_a_venv_without_pip_is_made_anew_when_the_lock_changes(tree: Path) -> None:
    shutil.rmtree(package(tree) / "pip")
    lock(tree, "1.1")
    done = start(tree)
    assert "tiny 1.1 in" in done.stdout, done.stderr


def test_a_half_made_venv_that_is_active_says_how_to_leave_it(tree: Path) -> None:
    (tree / ".venv" / "workshop-stamp").unlink()
    shutil.rmtree(package(tree) / "tiny-1.0.dist-info")
    done = start(tree, python=str(inner_python(tree)))
    assert done.returncode == 2
    assert "type `deactivate`" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_package_whose_hash_differs_is_refused(tree: Path) -> None:
    lock(tree, "1.1")
    path = tree / "requirements.lock"
    path.write_text(re.sub("sha256:.{8}", "sha256:00000000", path.read_text(), count=1))
    done = start(tree)
    assert done.returncode == 2
    assert "HASHES" in done.stderr and "Traceback" not in done.stderr
    assert "Expected sha256" in (tree / ".venv" / "workshop-setup.log").read_text()


def test_a_missing_network_is_named_and_the_log_kept(tree: Path) -> None:
    lock(tree, "1.1")
    done = start(tree, **index(f"http://127.0.0.1:{free_port()}/simple"))
    assert done.returncode == 2
    assert "no connection to the package index" in done.stderr
    log = tree / ".venv" / "workshop-setup.log"
    assert str(log) in done.stderr and "tiny" in log.read_text("utf-8")
    assert "Traceback" not in done.stderr


def test_a_file_in_the_place_of_venv_is_named(new_tree: Path) -> None:
    (new_tree / ".venv").write_text("mine")
    done = start(new_tree)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{new_tree / '.venv'} is a file")
    assert (new_tree / ".venv").read_text() == "mine"


def test_a_python_without_ensurepip_says_what_to_install(new_tree: Path) -> None:
    lame = (
        "import runpy, sys; sys.modules['ensurepip'] = None; sys.argv[1:] = ['test'];"
        "runpy.run_module('workshop', run_name='__main__')"
    )
    done = subprocess.run(
        [BASE_PYTHON, "-c", lame], cwd=new_tree, capture_output=True, text=True
    )
    assert done.returncode == 2
    version = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    assert version in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "cannot be written: give your user the right to"),
        (errno.EROFS, "cannot be written: give your user the right to"),
        (errno.ENOSPC, "The disk is full: make room"),
        (errno.ENAMETOOLONG, "cannot be made: [Errno"),
    ],
)
def test_what_the_system_refuses_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def refuse() -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(environment, "ready", lambda: False)
    monkeypatch.setattr(environment, "set_up", refuse)
    with pytest.raises(UserError, match=re.escape(words)):
        environment.enter(["lab"])


def test_a_full_disk_is_told_in_pips_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pip, "LOG", tmp_path / "log")
    error = "ERROR: Could not install packages: [Errno 28] No space left on device"
    output = ["Retrying after connection broken by 'X'\n", f"{error}\n", "\n", "bye\n"]
    said = pip.explain_output(output)
    assert said == f"The set-up failed: {error}\nLog: {tmp_path / 'log'}"
    assert (tmp_path / "log").read_text() == "".join(output)


def test_a_venv_of_uv_is_entered_as_it_is_with_the_versions_that_uv_chose(
    tree: Path,
) -> None:
    make_it_uvs(tree)
    lock(tree, "1.1")
    for python in (BASE_PYTHON, str(inner_python(tree))):
        done = start(tree, python=python)
        expected = f"tiny 1.0 in {tree / '.venv'} {WHOLE_SUITE}\n"
        assert done.stdout == expected, done.stderr
    assert not (tree / ".venv" / "workshop-stamp").exists()


def test_a_venv_of_uv_that_lacks_a_package_is_left_to_uv(tree: Path) -> None:
    make_it_uvs(tree)
    project = tree / "pyproject.toml"
    project.write_text(project.read_text().replace("[]", '["more[all] >= 2"]'))
    for python in (BASE_PYTHON, str(inner_python(tree))):
        done = start(tree, python=python)
        assert done.returncode == 2
        assert "Run `uv sync`" in done.stderr and "Traceback" not in done.stderr


def make_it_uvs(tree: Path) -> None:
    (tree / ".venv" / "workshop-stamp").unlink()
    for folder in package(tree).glob("pip*"):
        shutil.rmtree(folder)
    with (tree / ".venv" / "pyvenv.cfg").open("a") as configuration:
        configuration.write("uv = 0.9.0\n")


def test_a_venv_of_another_python_is_used_and_named(tree: Path) -> None:
    configuration = tree / ".venv" / "pyvenv.cfg"
    text = re.sub("version = .*", "version = 3.99.1", configuration.read_text())
    configuration.write_text(text)
    said, result = start(tree).stdout.splitlines()
    assert said.startswith(".venv has Python 3.99: it is used")
    assert result == f"tiny 1.0 in {tree / '.venv'} {WHOLE_SUITE}"


def test_half_a_package_counts_as_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "Half_Done-1.0.dist-info").mkdir()
    (tmp_path / "Half_Done-1.0.dist-info" / "METADATA").touch()
    (tmp_path / "is_there-2.0.dist-info").mkdir()
    (tmp_path / "is_there-2.0.dist-info" / "RECORD").touch()
    (tmp_path / "lock").write_text("half-done==1.0 \\\nis-there==2.0 \\\nolder==1.0\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert installed.missing(tmp_path / "lock") == ["half-done==1.0", "older==1.0"]


def test_a_line_with_a_marker_is_left_to_the_installer() -> None:
    lines = 'a-b.c==1.0 \\\n    --hash=x\nwin==2 ; os_name == "nt" \\\nlast==3\n'
    assert installed.packages_in(lines) == {"a-b.c": "1.0", "last": "3"}


@pytest.fixture
def silent_index(tree: Path) -> Iterator[socket.socket]:
    """A package index that never answers, and a lock that needs it: pip is held up."""
    lock(tree, "1.1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)  # pip comes after a new environment was made
        yield server


def held_up(tree: Path, server: socket.socket) -> dict[str, str]:
    return index(f"http://127.0.0.1:{server.getsockname()[1]}/simple")


@posix
def test_ctrl_c_ends_a_set_up_together_with_its_pip(
    tree: Path, silent_index: socket.socket
) -> None:
    with running(tree, "(Installing)", **held_up(tree, silent_index)) as run:
        connection, _ = silent_index.accept()  # from here on pip waits for an answer
        children = psutil.Process(run.process.pid).children(recursive=True)
        run.process.send_signal(signal.SIGINT)
        assert run.wait() == 130
    connection.close()
    assert children and not alive(children)
    assert run.lines[-1] == "Stopped. The next run repairs the set-up.\n"
    assert "Traceback" not in run.log
    assert not (tree / ".venv" / "workshop-stamp").exists()  # so it will be made anew


@posix
def test_a_run_waits_for_what_a_killed_set_up_left_and_then_repairs_it(
    tree: Path, silent_index: socket.socket
) -> None:
    with running(tree, "(Installing)", **held_up(tree, silent_index)) as killed:
        connection, _ = silent_index.accept()
        left = psutil.Process(killed.process.pid).children(recursive=True)
        killed.process.kill()
        with running(tree, "(waiting for it)") as run:
            for process in left:
                process.kill()
            assert run.wait() == 0
        connection.close()
    assert "tiny 1.1 in" in run.lines[-1]


def test_the_benchmarks_peers_are_installed_when_they_are_first_asked_for(
    tree: Path,
) -> None:
    add_bench(tree)
    assert "Installing" not in start(tree).stdout  # the lessons do without
    first = start(tree, "bench")
    assert first.stdout.splitlines() == [
        f"Installing into {tree / '.venv'} (once): peer==2.0.",
        "peer True []",
    ], first.stderr
    assert start(tree, "bench").stdout == "peer True []\n"
    assert "Installing" not in start(tree).stdout


def test_peers_that_cannot_be_installed_are_told_and_the_benchmarks_run_without(
    tree: Path,
) -> None:
    add_bench(tree)
    (tree / "wheels" / "peer-2.0-py3-none-any.whl").unlink()
    done = start(tree, "bench")
    assert done.returncode == 0, done.stderr
    assert "peer False ['Not installed: peer==2.0. The set-up failed" in done.stdout
    assert "Installing" not in start(tree).stdout  # what was there still holds


def test_peers_are_left_to_uv_where_the_venv_is_uvs(tree: Path) -> None:
    add_bench(tree)
    make_it_uvs(tree)
    done = start(tree, "bench")
    told = "Not installed: peer. `uv sync --group bench` installs it."
    assert told in done.stdout, done.stderr
    assert start(tree).returncode == 0  # and nothing else asks for them


@posix
def test_ctrl_c_while_peers_are_installed_has_the_venv_made_anew(
    tree: Path, silent_index: socket.socket
) -> None:
    lock(tree, "1.0")
    add_bench(tree)
    with server_process(
        ["-m", "workshop", "bench"],
        python=BASE_PYTHON,
        address=re.compile("(Installing)"),
        cwd=tree,
        **held_up(tree, silent_index),
    ) as run:
        connection, _ = silent_index.accept()  # from here on pip waits for an answer
        run.process.send_signal(signal.SIGINT)
        assert run.wait() == 130
    connection.close()
    assert "Traceback" not in run.log
    assert not (tree / ".venv" / "workshop-stamp").exists()
