"""The cell of chapter 07 that hears a voice, in JupyterLab with a microphone fed from a file."""

from __future__ import annotations

import nbformat
import pytest
from little_runs import SMALL, runs_apart, runs_of_all_chapters
from notebook_page import NotebookPage
from playwright.sync_api import Browser, expect

from benchmarks.jupyterlab import KERNEL, Lab

pytestmark = pytest.mark.browser

CELL = """from sercourse.app.answers import Networks
from sercourse.app.cell import voice_cell

voice_cell(Networks.load({runs}))"""


def test_a_recording_in_a_cell_is_answered_and_leaves_no_sound(talking: Browser, lab: Lab, tmp_path_factory):
    with runs_apart(tmp_path_factory):
        runs = [str(run.folder) for run in runs_of_all_chapters(tmp_path_factory).values()]
    cells = [nbformat.v4.new_code_cell(CELL.format(runs=runs))]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=KERNEL), lab.notebooks / "voice.ipynb")
    with talking.new_context(viewport={"width": 1440, "height": 900}, permissions=["microphone"]) as context:
        notebook = NotebookPage(context, lab.url, lab.token, "voice.ipynb")
        notebook.run_all()
        page = notebook.page
        page.get_by_role("button", name="Record", exact=True).click()
        page.wait_for_timeout(2_500)
        page.get_by_role("button", name="Stop").click()
        cards = page.locator(".sc-card")
        expect(cards).to_have_count(5, timeout=90_000)
        assert {card.get_attribute("data-network") for card in cards.all()} == set(SMALL)
        heard = page.get_by_label("What the networks hear:")
        assert heard.evaluate("audio => audio.play().then(() => true)")
        notebook.shown(cards.first)
        notebook.screenshot("answered")
        page.keyboard.press("Control+s")
        expect(page.locator(".jp-mod-dirty")).to_have_count(0, timeout=20_000)
        assert notebook.error_outputs() == []
        assert notebook.complaints == []
    assert "audio/" not in (lab.notebooks / "voice.ipynb").read_text("utf-8"), "no sound in what is saved"
