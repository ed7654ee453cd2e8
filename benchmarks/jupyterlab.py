"""JupyterLab and headless Chromium, started for a benchmark or a test; nothing outside this machine is asked."""

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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHROMIUMS: tuple[str, ...] = ("chromium", "chromium-browser", "google-chrome")
FLAGS: tuple[str, ...] = (
    "--no-sandbox",  # tests may run as root in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Of Chromium."""

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
"""Metadata of a notebook that is written for a benchmark or a test."""

START_SECONDS = 60
"""JupyterLab has so long to answer."""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    url: str
    """``http://127.0.0.1:PORT``, without a slash at the end."""
    token: str
    """What it asks for."""
    notebooks: Path
    """The folder that it serves."""
    process: subprocess.Popen
    """The server; its kernels are its children."""


def chromium() -> str | None:
    """Path of a Chromium on this machine."""
    return next((path for name in CHROMIUMS if (path := shutil.which(name))), None)


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running_lab(notebooks: Path, folder: Path, *, environment: Mapping[str, str] = os.environ) -> Iterator[Lab]:
    """JupyterLab with settings of its own.

    Args:
        notebooks: the folder that it serves.
        folder: where settings and log go.
        environment: variables that it starts with, besides those of its settings.

    Raises:
        RuntimeError: it did not start; the end of its log is told.
    """
    own = {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "PYTHONWARNINGS": "ignore::DeprecationWarning",
    }
    _silence_announcements(folder / "settings")
    port = free_port()
    token = secrets.token_hex(16)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", "--LabApp.news_url=", "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", str(notebooks),
    ]  # fmt: skip
    log = folder / "jupyterlab.log"
    with log.open("w") as output:
        # the token goes by the environment: a command line can be read by everybody on the machine
        variables = dict(environment) | own | {"JUPYTER_TOKEN": token}
        process = subprocess.Popen(command, env=variables, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
        running = Lab(f"http://127.0.0.1:{port}", token, notebooks, process)
        try:
            _wait_until_up(running, log)
            yield running
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


def _silence_announcements(settings: Path) -> None:
    """Neither news nor updates: nothing may depend on the world outside."""
    file = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))


def _wait_until_up(lab: Lab, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if lab.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{lab.url}/api", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
