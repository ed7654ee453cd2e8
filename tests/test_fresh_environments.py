"""What a newcomer meets: a fresh clone in a new folder, and the oldest dependencies that are allowed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from data_scripts.course import extras

pytestmark = pytest.mark.long

CORE_TESTS = (
    "tests/test_table.py",
    "tests/test_bad_input.py",
    "tests/evaluation",
    "tests/features",
    "tests/signal",
    "tests/training",
)


@pytest.fixture
def clone(tmp_path, repository) -> Path:
    """A clone of what is committed."""
    folder = tmp_path / "a new folder"
    subprocess.run(["git", "clone", "--quiet", str(repository), str(folder)], check=True)
    return folder


def run(command: list[str], folder: Path, **environment: str) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SERCOURSE_", "VIRTUAL_ENV", "COV"))}
    done = subprocess.run(command, cwd=folder, env=clean | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_make_demo_from_a_fresh_clone(clone, tmp_path):
    """Nothing but Python and make, no real corpora, an empty cache, a folder with blanks in its name."""
    out = run(["make", "demo"], clone, SERCOURSE_CACHE=str(tmp_path / "cache"))
    assert "leave one speaker out" in out
    assert (clone / "build" / "report.html").stat().st_size > 20_000


def test_a_laptop_without_network_is_installed_from_wheels(clone, tmp_path):
    """The lines of ``docs/offline.md`` for both machines; the second may ask no index."""
    page = (clone / "docs" / "offline.md").read_text("utf-8")
    (collect,) = re.findall(r"^\.venv/bin/(python -m pip wheel .*)$", page, re.MULTILINE)
    (install,) = re.findall(r"^\.venv/bin/(pip install .*)$", page, re.MULTILINE)
    for name in ("one", "other"):
        run([sys.executable, "-m", "venv", str(tmp_path / name)], tmp_path)
    run(["bash", "-c", f"{tmp_path}/one/bin/{collect}"], clone)
    (clone / "wheels").rename(tmp_path / "wheels")
    nowhere = {"PIP_NO_INDEX": "1", "https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    run(["bash", "-c", f"{tmp_path}/other/bin/{install}"], tmp_path, **nowhere)
    told = run([str(tmp_path / "other" / "bin" / "sercourse"), "doctor"], tmp_path, **nowhere)
    assert "sercourse" in told


@pytest.mark.parametrize("choice", ["--resolution=lowest-direct", "--upgrade"], ids=["oldest", "newest"])
def test_oldest_and_newest_dependencies(choice, clone, tmp_path):
    """The bounds of pyproject.toml are true: the core passes with the oldest and the newest versions they allow."""
    venv = tmp_path / "other"
    run([sys.executable, "-m", "venv", str(venv)], clone)
    uv = [
        str(Path(sys.executable).parent / "uv"),
        "pip",
        "install",
        "--quiet",
        "--python",
        str(venv / "bin" / "python"),
    ]
    run([*uv, choice, "--editable", f".[{extras()}]"], clone)
    run([str(venv / "bin" / "python"), "-m", "pytest", "-q", "-m", "not long", *CORE_TESTS], clone)
