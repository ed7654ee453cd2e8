"""JupyterLab on a copy of the notebooks, and headless Chromium; nothing outside this machine is asked."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from notebook_page import ROOT, NotebookPage
from playwright.sync_api import Browser, sync_playwright

_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox",  # tests may run as root in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_START_SECONDS = 60


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    url: str
    """``http://127.0.0.1:PORT``, without a slash at the end."""
    token: str
    """What it asks for."""
    notebooks: Path
    """The folder that it serves: a copy."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium; the test is skipped where there is none."""
    chromium = next((path for name in _CHROMIUMS if (path := shutil.which(name))), None)
    if chromium is None:
        pytest.skip(f"no Chromium on this machine (looked for {', '.join(_CHROMIUMS)})")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab with settings of its own, on a temporary copy of ``notebooks/``."""
    folder = tmp_path_factory.mktemp("lab")
    notebooks = folder / "notebooks"
    shutil.copytree(ROOT / "notebooks", notebooks, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "PYTHONWARNINGS": "ignore::DeprecationWarning",
    }
    _silence_announcements(folder / "settings")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = Lab(f"http://127.0.0.1:{port}", secrets.token_hex(16), notebooks)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", "--LabApp.news_url=", "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", str(notebooks),
    ]  # fmt: skip
    log = folder / "jupyterlab.log"
    with log.open("w") as output:
        # the token goes by the environment: a command line can be read by everybody on the machine
        environment["JUPYTER_TOKEN"] = running.token
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
        try:
            _wait_until_up(running, process, log)
            yield running
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture
def open_notebook(browser: Browser, lab: Lab) -> Iterator[Callable[[str], NotebookPage]]:
    """Open a notebook in a fresh browser window, of the size of a laptop's screen."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield lambda name: NotebookPage(context, lab.url, lab.token, name)
    authorised = {"Authorization": f"token {lab.token}"}
    for session in context.request.get(f"{lab.url}/api/sessions", headers=authorised).json():
        context.request.delete(f"{lab.url}/api/sessions/{session['id']}", headers=authorised)  # ends its kernel
    context.close()


def _silence_announcements(settings: Path) -> None:
    """Neither news nor updates: the test must not depend on the world outside."""
    file = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))


def _wait_until_up(lab: Lab, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{lab.url}/api", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
