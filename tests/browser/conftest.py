"""JupyterLab on a copy of the notebooks, and headless Chromium; nothing outside this machine is asked."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
import soundfile
from little_runs import voice
from notebook_page import ROOT, NotebookPage
from playwright.sync_api import Browser, sync_playwright

from benchmarks.jupyterlab import CHROMIUMS, FLAGS, Lab, chromium, running_lab


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium; the test is skipped where there is none."""
    path = chromium()
    if path is None:
        pytest.skip(f"no Chromium on this machine (looked for {', '.join(CHROMIUMS)})")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def talking(browser: Browser, tmp_path_factory) -> Iterator[Browser]:
    """Chromium whose microphone hears a buzzing voice over and over."""
    file = tmp_path_factory.mktemp("microphone") / "voice.wav"
    soundfile.write(file, voice(190, 1.2), 16_000)
    microphone = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
                  f"--use-file-for-fake-audio-capture={file}")  # fmt: skip
    launched = browser.browser_type.launch(executable_path=chromium(), args=[*FLAGS, *microphone])
    yield launched
    launched.close()


@pytest.fixture(scope="session")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab with settings of its own, on a temporary copy of ``notebooks/``."""
    folder = tmp_path_factory.mktemp("lab")
    notebooks = folder / "notebooks"
    shutil.copytree(ROOT / "notebooks", notebooks, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    with running_lab(notebooks, folder) as running:
        yield running


@pytest.fixture
def open_notebook(browser: Browser, lab: Lab) -> Iterator[Callable[[str], NotebookPage]]:
    """Open a notebook in a fresh browser window, of the size of a laptop's screen."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield lambda name: NotebookPage(context, lab.url, lab.token, name)
    authorised = {"Authorization": f"token {lab.token}"}
    for session in context.request.get(f"{lab.url}/api/sessions", headers=authorised).json():
        context.request.delete(f"{lab.url}/api/sessions/{session['id']}", headers=authorised)  # ends its kernel
    context.close()
