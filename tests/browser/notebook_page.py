"""One notebook in JupyterLab, as the tests drive it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Route, expect

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"

BADGE_HOSTS = {"mybinder.org", "colab.research.google.com", "img.shields.io"}
"""Badges are pictures from elsewhere; the tests draw an empty one in their place."""

_EMPTY_PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="20"/>'
_OPEN_MS, _RUN_MS, _ACT_MS = 60_000, 420_000, 20_000
_SCROLLS = 5
_CELLS = ".jp-Notebook .jp-CodeCell"


class NotebookPage:
    """A notebook, opened in JupyterLab.

    Args:
        context: of the browser; all that leaves this machine is stopped and noted.
        url: JupyterLab's, without a slash at the end.
        token: what it asks for.
        name: file name of the notebook.

    Attributes:
        complaints: errors of the page's scripts and console, and requests to elsewhere.
    """

    def __init__(self, context: BrowserContext, url: str, token: str, name: str):
        self.complaints: list[str] = []
        self._host = urlsplit(url).netloc
        self._name = Path(name).stem
        context.route("**/*", self._stay_here)
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.page.on("console", self._listen)
        self.page.goto(f"{url}/lab/tree/{name}?token={token}&reset", timeout=_OPEN_MS)
        expect(self.page.locator(_CELLS).first).to_be_visible(timeout=_OPEN_MS)
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text("| Idle", timeout=_OPEN_MS)

    def run_all(self) -> None:
        """Choose *Run All Cells* in the menu and wait until every cell has been run."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Run$")).click()
        self.page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
        prompts = f"[...document.querySelectorAll('{_CELLS} .jp-InputPrompt')].map(prompt => prompt.textContent)"
        self.page.wait_for_function(f"() => {prompts}.some(text => text.includes('*'))", timeout=_ACT_MS)
        self.page.wait_for_function(f"() => {prompts}.every(text => /\\d/.test(text))", timeout=_RUN_MS)

    def error_outputs(self) -> list[str]:
        """Tracebacks and warnings in the outputs."""
        kinds = ("error", "stderr")
        found = [self.page.locator(f'[data-mime-type="application/vnd.jupyter.{kind}"]') for kind in kinds]
        return [text for locator in found for text in locator.all_text_contents()]

    def shown(self, locator: Locator) -> Locator:
        """Scroll something into the middle of the window and wait until it is there."""
        for _ in range(_SCROLLS):  # cells above get their height only when they are scrolled past, and push it away
            locator.evaluate("element => element.scrollIntoView({block: 'center'})", timeout=_ACT_MS)
            self.page.wait_for_timeout(100)
        expect(locator).to_be_in_viewport(timeout=_ACT_MS)
        return locator

    def picture_bytes(self, picture: Locator) -> bytes:
        """The file that an ``<img>`` shows."""
        load = "async image => Array.from(new Uint8Array(await (await fetch(image.src)).arrayBuffer()))"
        return bytes(picture.evaluate(load))

    def screenshot(self, moment: str) -> None:
        """Write ``<notebook>-<moment>.png``."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{self._name}-{moment}.png")

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type == "error":  # JupyterLab 4.6 itself writes none
            self.complaints.append(f"console: {message.text}")

    def _stay_here(self, route: Route) -> None:
        host = urlsplit(route.request.url).netloc
        if host == self._host:
            route.continue_()
        elif host in BADGE_HOSTS:
            route.fulfill(content_type="image/svg+xml", body=_EMPTY_PICTURE)
        else:
            self.complaints.append(f"request to elsewhere: {route.request.url}")
            route.abort()
