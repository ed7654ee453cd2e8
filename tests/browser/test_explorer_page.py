"""The explorer's page in a browser, from disk and without a network: seen, heard, and used by keyboard alone.

Screenshots are written to ``build/screenshots/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from notebook_page import SCREENSHOTS
from playwright.sync_api import Browser, Page, Request, expect

from sercourse.explain.page import write_page
from sercourse.explain.projections import Projection

pytestmark = pytest.mark.browser

EMOTIONS = ("anger", "fear", "neutral")


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """A page of 27 utterances on a grid, three by three of each emotion; u13 lies in the middle."""
    folder, t = tmp_path_factory.mktemp("page"), np.arange(9_600) / 16_000
    rows = []
    for number in range(27):
        emotion = EMOTIONS[number % 9 // 3]
        path = folder / f"{number}.wav"
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * (150 + 10 * number) * t), 16_000)
        rows.append({"emotion": emotion, "predicted": "fear", "judged": "right" if emotion == "fear" else "wrong",
                     "speaker": f"c/{number % 2}", "text": f"sentence {number} <b>&amp;</b>", "path": str(path),
                     "start": 0.0, "end": np.nan})  # fmt: skip
    texts = dict.fromkeys(["emotion", "predicted", "judged", "speaker", "text", "path"], "string")
    table = pd.DataFrame(rows, index=[f"u{k}" for k in range(27)]).astype(texts)
    points = np.array([(number % 9, number // 9) for number in range(27)], dtype=float)
    projection = Projection(points, "tsne", {"perplexity": 5.0}, 0.9)
    return write_page(folder / "page.html", projection, table, corpus="synthetic", title="A grid", notes=["Note."])


@pytest.fixture(params=[(1440, 900, "light"), (390, 844, "dark")], ids=["wide", "phone"])
def page(request, browser: Browser, file: Path) -> Iterator[Page]:
    """The page on a laptop and on a phone at night; whatever it asks of a network or complains of fails the test."""
    width, height, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, offline=True)
    opened, complaints = context.new_page(), []

    def asked(one: Request) -> None:
        if not one.url.startswith(("data:", file.as_uri())):
            complaints.append(one.url)

    opened.on("request", asked)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.goto(file.as_uri())
    yield opened
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    opened.screenshot(path=SCREENSHOTS / f"explorer-{request.node.name.replace('[', '-').strip(']')}.png")
    context.close()
    assert complaints == []


def drawn_pixels(page: Page) -> int:
    """Pixels of the map that are not empty."""
    count = (
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, k) => k % 4 === 3 && v).length"
    )
    return page.locator("#map").evaluate(count)


def test_points_are_drawn_and_classes_can_be_hidden(page: Page):
    expect(page.locator("#map")).to_have_attribute("data-drawn", "27")
    before = drawn_pixels(page)
    assert before > 27 * 60
    page.get_by_role("button", name="anger (9)").click()
    expect(page.locator("#map")).to_have_attribute("data-drawn", "18")
    expect(page.locator("#count")).to_have_text("18 of 27 utterances shown")
    assert drawn_pixels(page) < before
    page.get_by_label("Colour and shape by").select_option("judged")
    expect(page.locator("#legend button")).to_have_text(["right (9)", "wrong (18)"])
    expect(page.locator("#map")).to_have_attribute("data-drawn", "27")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing hangs out sideways"


def test_the_keyboard_alone_finds_shows_and_plays(page: Page):
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#text")).to_have_text("“sentence 13 <b>&amp;</b>”")
    expect(page.locator("#said")).to_contain_text("fear, predicted fear (right)")
    for key, number in [("ArrowRight", 14), ("ArrowUp", 23), ("ArrowLeft", 22), ("ArrowDown", 13), ("ArrowDown", 4)]:
        page.keyboard.press(key)
        expect(page.locator("#text")).to_contain_text(f"sentence {number} ")
    page.keyboard.press("Enter")
    played = "audio => audio.ended || new Promise(done => { audio.onended = () => done(true); })"
    assert page.locator("#audio").evaluate(played)
    assert page.locator("#audio").evaluate("audio => audio.currentTime") == pytest.approx(0.6, abs=0.15)
    expect(page.locator("#picture")).to_be_visible()
    assert page.locator("#picture").evaluate("image => image.naturalWidth") > 50


def test_a_click_chooses_and_a_lasso_counts(page: Page):
    box = page.locator("#map").bounding_box()
    x, y = page.evaluate("places[22]")
    page.mouse.move(box["x"] + x, box["y"] + y)
    expect(page.locator("#tip")).to_contain_text("sentence 22")
    page.mouse.click(box["x"] + x, box["y"] + y)
    expect(page.locator("#text")).to_contain_text("sentence 22")
    page.get_by_role("button", name="Lasso").click()
    right = page.evaluate("(places[3][0] + places[4][0]) / 2")  # anger and one column of fear lie to the left of it
    corners = [(2, 2), (right, 2), (right, box["height"] - 3), (2, box["height"] - 3)]
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    for u, v in corners:
        page.mouse.move(box["x"] + u, box["y"] + v)
    page.mouse.up()
    expect(page.locator("#group-title")).to_have_text("12 utterances inside, 3 of 12 predicted right")
    expect(page.locator("#group-rows tr")).to_have_text([re.compile("^anger9"), re.compile("^fear3")])
    page.keyboard.press("Escape")
    expect(page.locator("#group")).to_be_hidden()


def test_the_map_can_be_seen_from_nearer_and_moved(page: Page):
    canvas, box = page.locator("#map"), page.locator("#map").bounding_box()
    expect(page.get_by_role("button", name="Farther")).to_be_disabled()
    before = page.evaluate("places[22]")
    page.mouse.move(box["x"] + before[0], box["y"] + before[1])
    page.keyboard.down("Control")
    page.mouse.wheel(0, -600)
    page.keyboard.up("Control")
    expect(canvas).not_to_have_attribute("data-scale", "1")
    start = page.evaluate("places[22]")
    assert start == pytest.approx(before, abs=7), "what lies under the pointer stays there, but for parts of a pixel"
    assert page.evaluate("places[23][0] - places[22][0] > 3 * (box.clientWidth - 2 * (radius + 14)) / 9")
    page.mouse.down()
    page.mouse.move(box["x"] + before[0] - 30, box["y"] + before[1] - 12, steps=4)
    page.mouse.up()
    moved = page.evaluate("places[22]")
    assert moved == pytest.approx([start[0] - 30, start[1] - 12], abs=1)
    expect(page.locator("#card")).to_be_hidden()  # a move chooses nothing
    page.mouse.click(box["x"] + moved[0], box["y"] + moved[1])
    expect(page.locator("#text")).to_contain_text("sentence 22")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect(page.locator("#text")).to_contain_text("sentence 19")
    x, y = page.evaluate("places[19]")
    assert 0 <= x <= box["width"]
    assert 0 <= y <= box["height"], "who is chosen by key is brought into view"
    page.get_by_role("button", name="Whole map").click()
    assert page.evaluate("places[22]") == pytest.approx(before, abs=0.01)
    page.get_by_role("button", name="Nearer").click()
    expect(canvas).to_have_attribute("data-scale", "1.6")
    page.locator("#map").focus()
    for key, scale in [("+", "2.56"), ("-", "1.6"), ("Control+0", "1.6"), ("0", "1"), ("+", "1.6")]:
        page.keyboard.press(key)
        expect(canvas).to_have_attribute("data-scale", re.compile(f"^{scale}"))
    page.get_by_role("button", name="Farther").click()
    expect(canvas).to_have_attribute("data-scale", "1")


def test_the_table_says_the_same_without_the_map(page: Page):
    page.get_by_text("All utterances as a table").click()
    expect(page.locator("#all-rows tr")).to_have_count(27)
    page.get_by_role("button", name="Play u5").click()
    expect(page.locator("#text")).to_contain_text("sentence 5 ")
    before = page.locator("html").get_attribute("data-theme")
    page.locator("#theme").click()
    assert page.locator("html").get_attribute("data-theme") != before
