"""Each chapter in JupyterLab, as a student uses it: open, Run All, move the sliders, play the game.

Screenshots are written to ``build/screenshots/``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy as np
import PIL.Image
import pytest
import yaml
from notebook_page import ROOT, NotebookPage
from playwright.sync_api import Locator, expect
from scipy.ndimage import binary_erosion

pytestmark = pytest.mark.browser

CHAPTERS = [
    chapter["name"]
    for chapter in yaml.safe_load((ROOT / "notebooks" / "course.yml").read_text("utf-8"))["chapters"]
    if chapter["ready"]
]
PICTURES = {"01_signal_preprocessing": 3, "02_emotion_autoencoder": 1, "03_asp_mtl": 3, "05_mtap": 1, "06_msfl": 2}
"""Widgets with a picture that a chapter has at least."""

OpenNotebook = Callable[[str], NotebookPage]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_runs_and_its_widgets_answer(open_notebook: OpenNotebook, chapter: str):
    notebook = open_notebook(f"{chapter}.ipynb")
    notebook.screenshot("opened")
    notebook.run_all()
    notebook.screenshot("run")
    assert notebook.error_outputs() == []
    boxes = notebook.page.locator(".widget-vbox", has=notebook.page.locator("img.sercourse-picture"))
    assert boxes.count() >= PICTURES.get(chapter, 0)
    for number, box in enumerate(boxes.all(), 1):
        if box.get_by_role("slider").count():
            move_slider(notebook, box, number)
        elif box.locator("select").count():  # else there is nothing to choose, as of one layer of attention
            choose_from_menu(notebook, box, number)
    if chapter == "00_start_here":
        play_game(notebook)
    if chapter == "07_explorer":
        walk_the_maps(notebook)
    assert notebook.error_outputs() == []
    assert notebook.complaints == []


def move_slider(notebook: NotebookPage, box: Locator, number: int) -> None:
    """Move the (last) slider of one picture with the keyboard, and see the picture change."""
    picture = notebook.shown(box.locator("img.sercourse-picture"))
    handle, reading = box.get_by_role("slider").last, box.locator(".widget-readout").last
    expect(box.locator(".widget-label").first).not_to_be_empty()  # a slider says what it sets
    notebook.screenshot(f"slider-{number}-before")
    drawn, source, value = notebook.picture_bytes(picture), picture.get_attribute("src"), reading.inner_text()
    notebook.shown(handle).press("ArrowRight")
    expect(reading).not_to_have_text(value)
    expect(picture).not_to_have_attribute("src", source, timeout=20_000)
    assert notebook.picture_bytes(picture) != drawn
    notebook.shown(picture)
    notebook.screenshot(f"slider-{number}-after")


def choose_from_menu(notebook: NotebookPage, box: Locator, number: int) -> None:
    """Choose another emotion to decode with, and see the picture and hear the player change."""
    picture = notebook.shown(box.locator("img.sercourse-picture"))
    menu = box.locator("select").nth(1)
    notebook.screenshot(f"menu-{number}-before")
    source, sound = picture.get_attribute("src"), box.locator("audio").last.get_attribute("src")
    chosen = menu.input_value()
    notebook.shown(menu).select_option(index=4)
    assert menu.input_value() != chosen
    expect(picture).not_to_have_attribute("src", source, timeout=20_000)
    expect(box.locator("audio").last).not_to_have_attribute("src", sound, timeout=20_000)
    notebook.shown(picture)
    notebook.screenshot(f"menu-{number}-after")


def walk_the_maps(notebook: NotebookPage) -> None:
    """Hover, click a point, name an utterance, draw a lasso, take another layer: heard, seen, told and counted."""
    box = notebook.page.locator(".sercourse-maps").first
    panel = box.locator(".sercourse-panel")
    maps = box.locator("canvas:visible")
    notebook.shown(maps.first)
    notebook.screenshot("maps")
    frame_fits(notebook)
    playing, playback = panel.locator("audio[autoplay]"), box.get_by_label("play while hovering")
    places = points_of(notebook.shown(maps.first))
    expect(panel.locator("audio")).to_have_count(0)
    playback.check()
    notebook.page.mouse.move(*places[0])
    expect(playing).to_have_count(1, timeout=20_000)
    playback.uncheck()
    notebook.page.mouse.move(*places[-1])
    expect(playing).to_have_count(0, timeout=20_000)
    expect(panel.locator("audio")).to_have_count(1)
    notebook.page.mouse.click(*places[-1])
    expect(playing).to_have_count(1, timeout=20_000)
    field = notebook.shown(box.get_by_placeholder("name an utterance"))
    wanted = box.locator("datalist option").nth(3).get_attribute("value")
    field.fill(wanted)
    field.press("Enter")
    expect(panel).to_contain_text(wanted, timeout=20_000)
    expect(panel.locator("audio")).to_have_count(1)
    expect(panel.get_by_role("img", name=f"log-mel spectrogram of {wanted}")).to_be_visible()
    assert panel.locator("audio").evaluate("audio => audio.play().then(() => true)")  # it is a sound
    notebook.shown(panel)
    notebook.screenshot("maps-one")
    other = notebook.shown(maps.nth(1)).screenshot()
    place = notebook.shown(maps.first).bounding_box()
    left, top, wide, high = (place[side] for side in ("x", "y", "width", "height"))
    notebook.page.mouse.move(left + 0.98 * wide, top + 0.02 * high)  # buttons and legend are on the left
    notebook.page.mouse.down()
    for x, y in ((0.98, 0.98), (0.2, 0.98), (0.2, 0.02), (0.98, 0.02)):
        notebook.page.mouse.move(left + x * wide, top + y * high, steps=8)
    notebook.page.mouse.up()
    expect(panel.locator(".sercourse-counts")).to_be_visible(timeout=20_000)
    expect(panel.locator("audio")).to_have_count(6)
    notebook.screenshot("maps-lasso")
    assert notebook.shown(maps.nth(1)).screenshot() != other  # the same utterances stand out there
    notebook.shown(panel)
    notebook.screenshot("maps-selection")
    told = box.get_by_text("silhouette in the layer").first
    before = told.inner_text()
    notebook.shown(box.get_by_label("layer").first).select_option(index=1)
    expect(told).not_to_have_text(before, timeout=60_000)
    notebook.screenshot("maps-layer")
    window = notebook.page.viewport_size
    for width in (window["width"] + 300, window["width"] - 200):  # the maps get wider, then narrower
        notebook.page.set_viewport_size(window | {"width": width})
        notebook.shown(maps.first)
        frame_fits(notebook)
        assert points_of(maps.first), "the map is drawn"
    notebook.screenshot("maps-narrow")


def frame_fits(notebook: NotebookPage) -> None:
    """Wait until the frame in which maps are drawn holds those of the first cell and is no larger than the largest
    (those of further cells get their size when they are scrolled to)."""
    fits = """() => {
        const largest = (maps, side) => Math.max(...[...maps].flatMap(
            one => [...one.querySelectorAll("canvas")].map(canvas => canvas[side]))) + 1;
        const maps = document.querySelectorAll(".sercourse-maps"), frame = window.jupyterScatter?.renderer?.canvas;
        return frame && ["width", "height"].every(
            side => largest([maps[0]], side) <= frame[side] && frame[side] <= largest(maps, side));
    }"""
    notebook.page.wait_for_function(fits, timeout=20_000)


def points_of(canvas: Locator) -> list[tuple[float, float]]:
    """Where points are drawn on a map, in pixels of the page, from top to bottom; what the legend may hide is left
    out."""
    pixels = np.asarray(PIL.Image.open(io.BytesIO(canvas.screenshot())).convert("RGB"), dtype=int)
    inside = binary_erosion(np.ptp(pixels, axis=-1) > 60, iterations=2)
    found = [(x, y) for y, x in np.argwhere(inside) if x > pixels.shape[1] / 3]
    place = canvas.bounding_box()
    return [(place["x"] + float(x), place["y"] + float(y)) for x, y in found]


def play_game(notebook: NotebookPage) -> None:
    """Guess twice: each guess is judged, and the next utterance is played."""
    button = notebook.shown(notebook.page.get_by_role("button", name="anger", exact=True))
    game = notebook.page.locator(".widget-vbox", has=button).last
    player = game.locator("audio")
    first = player.first.get_attribute("src")
    assert first.startswith("data:audio/mpeg;base64,")
    button.click()
    expect(game).to_contain_text(re.compile(r"[01] of 1 right"), timeout=20_000)
    expect(player.first).not_to_have_attribute("src", first)
    button.click()
    expect(game).to_contain_text(re.compile(r"[012] of 2 right"), timeout=20_000)
    seconds = "audio => new Promise(done => { audio.onloadedmetadata = () => done(audio.duration); audio.load(); })"
    assert 0.5 < player.first.evaluate(seconds) < 20, "the browser can decode what it should play"
    notebook.screenshot("game")
