"""Where the repository is, and what the set-up keeps in it."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
# The same packages, and those that the benchmarks measure beside our own code.
BENCH_LOCK = ROOT / "requirements-bench.lock"
# The same packages, and those that build the site.
SITE_LOCK = ROOT / "requirements-site.lock"
# The packages that only stage 04's recipes use.
RECIPES_LOCK = ROOT / "requirements-recipes.lock"
# By their group in pyproject.toml.
OPTIONAL = {"bench": BENCH_LOCK, "site": SITE_LOCK, "recipes": RECIPES_LOCK}
VENV = ROOT / ".venv"
if os.name == "nt":
    PYTHON = VENV / "Scripts" / "python.exe"
else:
    PYTHON = VENV / "bin" / "python"
STAMP = VENV / "workshop-stamp"
LOG = VENV / "workshop-setup.log"
