"""The whole site, built from nothing, and looked at in a browser that may ask no other machine for anything."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from little_runs import SMALL, runs_apart, runs_of_all_chapters
from notebook_page import ROOT, SCREENSHOTS
from playwright.sync_api import Browser, Page, Route

from data_scripts.website import __main__ as site
from data_scripts.website import explorers, links

pytestmark = pytest.mark.long

PAGES = ("index", "chapters/00_start_here", "chapters/06_msfl", "glossary", "believe", "models", "results/mtap",
         "results/index", "api/training")  # fmt: skip
SECONDS = 120.0
"""The whole site may take."""

LOOKS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The folder of the HTML, built without a network; the explorers are of little runs."""
    folder = tmp_path_factory.mktemp("site")
    with runs_apart(tmp_path_factory), pytest.MonkeyPatch.context() as here:
        runs = runs_of_all_chapters(tmp_path_factory)
        first = {name: SimpleNamespace(folder=run.folder, **run.about["config"]) for name, run in runs.items()}
        here.setattr(explorers, "FIRST_RUNS", first)
        here.setattr(explorers, "missing_first_runs", list)
        here.setattr(socket.socket, "connect", refuse)
        here.setattr(socket, "getaddrinfo", refuse)
        begun = time.perf_counter()
        site.assemble(folder / "src")
        assert site.sphinx(source=folder / "src", site=folder / "html") == 0, "a warning is an error"
        explorers.put_into(folder / "html", explorers.make_pages(explorers.at_hand(), folder / "explorers"))
        seconds = time.perf_counter() - begun
    print(f"the site: {seconds:.0f} s")
    assert seconds < SECONDS
    return folder / "html"


def refuse(*_: object) -> None:
    """In the place of a network."""
    raise AssertionError("the network was asked")


@pytest.fixture(params=LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def page(request, browser: Browser) -> Iterator[Page]:
    """A page of one width and one scheme; what it asks of others and its script errors are kept with it."""
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, is_mobile=width < 600, reduced_motion="reduce"
    )
    page = context.new_page()
    page.asked, page.errors, page.look = [], [], f"{width}-{scheme}"

    def local(route: Route) -> None:
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            page.asked.append(route.request.url)
            route.abort()

    context.route("**/*", local)
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    context.close()


def test_links_pictures_and_headings(built):
    assert links.problems(built, private=(str(ROOT),)) == []


def test_chapters_have_formulas_and_sound(built):
    chapter = (built / "chapters" / "06_msfl.html").read_text("utf-8")
    assert "<math" in chapter
    assert "data:audio" in (built / "chapters" / "00_start_here.html").read_text("utf-8")
    assert not list(built.rglob("solutions*")), "solutions are for instructors"


@pytest.mark.browser
def test_every_chapter_has_its_map_inside(built, page):
    page.goto((built / "explorers.html").as_uri())
    links = page.get_by_role("link", name="open the map")
    assert links.count() == len(SMALL)
    for number in range(len(SMALL)):
        links.nth(number).click()
        page.locator("canvas").first.wait_for()
        page.go_back()
    assert (page.asked, page.errors) == ([], [])


@pytest.mark.browser
def test_pages_fit_and_ask_nobody(built, page):
    for name in PAGES:
        page.goto((built / f"{name}.html").as_uri())
        shown, there = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert shown <= there, f"{name} scrolls sideways"
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"site-{name.replace('/', '-')}-{page.look}.png")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0] < 100")
    assert dark == page.look.endswith("dark")
    assert page.asked == []
    assert page.errors == []


@pytest.mark.browser
def test_sound_plays_and_search_finds(built, page):
    page.goto((built / "chapters" / "00_start_here.html").as_uri())
    played = page.locator("audio").first.evaluate(
        "async a => { a.muted = true; await a.play(); await new Promise(go => setTimeout(go, 300));"
        " return a.currentTime }"
    )
    assert played > 0
    assert page.errors == []
    page.goto((built / "search.html").as_uri() + "?q=gradient+reversal")
    page.locator("#search-results li a", has_text="Glossary").first.wait_for(timeout=20_000)
    assert page.asked == [], "opened as a file it finds without excerpts: browsers do not fetch files for it"
