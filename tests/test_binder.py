"""What Binder does with this repository: repo2docker's steps in a fresh environment, without its image."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPO2DOCKER = "jupyter-repo2docker==2026.4.0"
CPU_INDEX = re.compile(r"--extra-index-url (\S+)\n")
FIRST = "lab/tree/notebooks/00_start_here.ipynb"


def test_the_scripts_can_be_started_and_agree_on_where_runs_lie(repository, tmp_path):
    for name in ("postBuild", "start"):
        assert os.access(repository / "binder" / name, os.X_OK), name
        assert subprocess.run(["bash", "-n", repository / "binder" / name]).returncode == 0
    assert "\nbinder/start sercourse prefetch " in (repository / "binder" / "postBuild").read_text()
    shown = subprocess.run(
        [repository / "binder" / "start", "env"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert f"SERCOURSE_RUNS={repository / 'runs'}" in shown
    assert "LOKY_MAX_CPU_COUNT=1" in shown


def test_the_page_about_hubs_has_the_same_settings(repository):
    page = (repository / "docs" / "hub.md").read_text("utf-8")
    settings = re.findall(r"^export (\S+=.+)$", (repository / "binder" / "start").read_text("utf-8"), re.MULTILINE)
    assert len(settings) == 2
    assert all(f"export {line}\n" in page for line in settings)


def extras(text: str) -> list[str]:
    """What a text installs of the library beyond its core, each time."""
    return re.findall(r"\[(notebooks[\w,]*)\]", text)


def imported(repository: Path) -> set[str]:
    """Packages that notebooks and app import, by themselves or by modules of the library that they import."""

    def names(code: str) -> Iterator[str]:
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Import):
                yield from (one.name for one in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (node.module, *(f"{node.module}.{one.name}" for one in node.names))

    code = [file.read_text("utf-8") for file in (repository / "sercourse" / "app").rglob("*.py")]
    for file in (repository / "notebooks").rglob("*.ipynb"):
        cells = (cell.source for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == "code")
        code += [re.sub(r"^[%!].*$", "", source, flags=re.MULTILINE) for source in cells]
    found: set[str] = set()
    while code:
        new = set(names(code.pop())) - found
        found |= new
        places = [repository.joinpath(*one.split(".")) for one in new if one.startswith("sercourse")]
        files = [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")]
        code += [file.read_text("utf-8") for file in files if file.exists()]
    return {name.partition(".")[0] for name in found} - set(sys.stdlib_module_names) - {"sercourse"}


def installed(repository: Path, chosen: list[str]) -> set[str]:
    """Distributions that the library brings with some extras, and all that these bring."""
    project = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["project"]
    optional = project["optional-dependencies"]
    wanted = [(one, "") for one in [*project["dependencies"], *(one for name in chosen for one in optional[name])]]
    found: set[tuple[str, str]] = set()
    while wanted:
        text, extra = wanted.pop()
        needed = Requirement(text)
        if needed.marker and not needed.marker.evaluate({"extra": extra}):
            continue
        for one in {(canonicalize_name(needed.name), extra) for extra in ("", *needed.extras)} - found:
            found.add(one)
            with suppress(metadata.PackageNotFoundError):
                wanted += [(line, one[1]) for line in metadata.requires(one[0]) or ()]
    return {name for name, _ in found}


def test_everything_that_a_notebook_needs_is_preinstalled(repository):
    (chosen,) = extras((repository / "binder" / "requirements.txt").read_text("utf-8"))
    there, known = installed(repository, chosen.split(",")), metadata.packages_distributions()
    needed = imported(repository)
    assert {"torch", "jscatter", "gradio", "sentence_transformers"} <= needed
    missing = [name for name in needed if not {canonicalize_name(one) for one in known.get(name, [name])} & there]
    assert missing == ["parselmouth"], "which praat-parselmouth does not list as its own"
    assert "praat-parselmouth" in there
    assert "jupyter-scatter" not in installed(repository, ["app", "text"])
    assert (repository / "binder" / "runtime.txt").read_text() == "python-3.11\n"


@pytest.mark.parametrize("page", ["docs/hub.md", "docs/offline.md", "docs/teaching/student.md"])
def test_pages_install_what_binder_installs(repository, page):
    (chosen,) = extras((repository / "binder" / "requirements.txt").read_text("utf-8"))
    assert set(extras((repository / page).read_text("utf-8"))) == {chosen}


def test_after_the_build_any_server_opens_the_first_chapter(repository, tmp_path):
    """postBuild itself, with the two commands that take long replaced."""
    shutil.copytree(repository / "binder", tmp_path / "binder")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sercourse", "jupyter"):
        (tools / name).write_text(f'#!/bin/sh\necho {name} "$@" "$SERCOURSE_RUNS" >> "{tmp_path}/called"\n')
        (tools / name).chmod(0o755)
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path / "home")}
    subprocess.run([tmp_path / "binder" / "postBuild"], env=environment, cwd="/", check=True)
    called = (tmp_path / "called").read_text().splitlines()
    assert called[0] == f"sercourse prefetch --notebooks notebooks {tmp_path / 'runs'}"
    assert called[1].startswith("jupyter trust ")
    for file, section in (("lab", "LabApp"), ("server", "ServerApp"), ("notebook", "ServerApp")):
        settings = json.loads((tmp_path / "home" / ".jupyter" / f"jupyter_{file}_config.json").read_text())
        assert settings == {section: {"default_url": f"/{FIRST}"}}


def reachable(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture
def image(repository: Path, tmp_path: Path) -> Path:
    """The folder that is home and repository at once, as in the image: a clone of what is committed."""
    folder = tmp_path / "home"
    subprocess.run(["git", "clone", "--quiet", str(repository), str(folder)], check=True)
    return folder


@pytest.fixture
def uv() -> str:
    """The installer that our own environment has."""
    return str(Path(sys.executable).parent / "uv")


def inside(image: Path) -> dict[str, str]:
    """The environment variables of the image: nothing of ours."""
    ours = ("SERCOURSE_", "VIRTUAL_ENV", "PYTHONPATH", "COV", "JUPYTER", "XDG_", "HF_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    cache = subprocess.run([str(Path(sys.executable).parent / "uv"), "cache", "dir"], capture_output=True, text=True)
    return kept | {
        "HOME": str(image), "REPO_DIR": str(image), "UV_CACHE_DIR": cache.stdout.strip(),
        "PATH": f"{image.parent / 'env' / 'bin'}:{os.environ['PATH']}",
    }  # fmt: skip


@pytest.mark.long
def test_repo2docker_reads_our_files_as_we_mean_them(image, uv):
    """Its own Dockerfile has the steps that the next test follows."""
    command = ["jupyter-repo2docker", "--no-build", "--no-run", "--debug", "--user-id", "1000", "--user-name", "jovyan"]
    done = subprocess.run(
        [uv, "tool", "run", "--python", "3.11", "--from", REPO2DOCKER, "--with", "setuptools<80", *command, str(image)],
        capture_output=True, text=True, env=inside(image),
    )  # fmt: skip
    dockerfile = done.stdout + done.stderr
    steps = (
        "environment.py-3.11-linux-64.lock".replace("-", "-2d").replace(".", "-2e"),
        "COPY --chown=1000:1000 src/ ${REPO_DIR}/",
        'RUN ${KERNEL_PYTHON_PREFIX}/bin/pip install --no-cache-dir -r "binder/requirements.txt"',
        "RUN ./binder/postBuild",
        'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"',
    )
    places = [re.sub(r"-2d", "-", dockerfile).find(re.sub(r"-2d", "-", step)) for step in steps]
    assert min(places) > 0, list(zip(steps, places))
    assert places == sorted(places)


@pytest.fixture
def built(image: Path, uv: str) -> Path:
    """The steps before the container starts."""
    version = (image / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    requirements = image / "binder" / "requirements.txt"
    needed = requirements.read_text("utf-8")
    if not reachable(CPU_INDEX.search(needed)[1]):
        warnings.warn("PyTorch's CPU index cannot be reached: the ordinary wheels are installed instead.", stacklevel=1)
        requirements.write_text(CPU_INDEX.sub("", needed).replace("+cpu", ""), "utf-8")
    environment = image.parent / "env"
    steps = {
        "environment": [uv, "venv", "--quiet", "--seed", "--python", version, str(environment)],
        # uv in pip's place: the same resolution, from a cache
        "pip": [uv, "pip", "install", "--quiet", "--python", str(environment / "bin" / "python"),
                "--index-strategy", "unsafe-best-match", "-r", "binder/requirements.txt"],
        "postBuild": ["./binder/postBuild"],
    }  # fmt: skip
    for name, command in steps.items():
        begun = time.perf_counter()
        done = subprocess.run(command, cwd=image, env=inside(image), capture_output=True, text=True)
        assert done.returncode == 0, f"{name}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        print(f"{name}: {time.perf_counter() - begun:.0f} s")
    return image


@pytest.fixture
def server(built: Path) -> Iterator[str]:
    """JupyterLab behind ``start``, as the container begins it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
               "--ServerApp.token=", "--ServerApp.port_retries=0"]  # fmt: skip
    process = subprocess.Popen(["./binder/start", *command], cwd=built, env=inside(built))
    try:
        address = f"http://127.0.0.1:{port}/"
        deadline = time.monotonic() + 120
        while not reachable(address + "api") and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.mark.long
def test_the_image_starts_on_the_first_chapter_and_makes_nothing_again(built, server):
    """Takes as long as Binder's build: every first run is trained and every notebook run."""
    with urllib.request.urlopen(server, timeout=60) as answer:
        assert (answer.status, answer.url) == (200, server + FIRST)
    with urllib.request.urlopen(f"{server}api/contents/notebooks/00_start_here.ipynb?content=0", timeout=60) as answer:
        assert json.loads(answer.read())["type"] == "notebook"
    said = built / "said.json"
    subprocess.run(["./binder/start", "sercourse", "doctor", "--json", said], cwd=built, env=inside(built), check=True)
    assert json.loads(said.read_text())["ready"] is True
    absent = "import gradio, jscatter, sentence_transformers, sercourse; print(sercourse.__file__)"
    shown = subprocess.run(["python", "-c", absent], env=inside(built), cwd="/", capture_output=True, text=True)
    assert str(built.parent / "env") in shown.stdout, shown.stderr  # installed, not found beside the notebook
