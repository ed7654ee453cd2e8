"""How many points does the explorer of chapter 07 stand?

The chapter's own widget, with a cloud of points that is projected already in the place of a run, in JupyterLab and
headless Chromium (which draws WebGL by the processor). Measured for each size: seconds from running the cell to the
first picture, milliseconds from letting go of a lasso to the counted table in the page, and peak memory of kernel and
browser.
"""

from __future__ import annotations

import io
import itertools
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import numpy as np
import pandas as pd
import PIL.Image
import psutil
import soundfile
from rich.table import Table

from benchmarks.jupyterlab import FLAGS, KERNEL, Lab, chromium, running_lab
from benchmarks.watch import Group, Watch
from sercourse.corpora.table import EMOTIONS
from sercourse.errors import UserError
from sercourse.explain.layers import SHOWN
from sercourse.explain.map_source import MapSource
from sercourse.explain.projections import Projection

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

SIZES: tuple[tuple[int, int], ...] = ((1_000, 1), (10_000, 1), (10_000, 2), (100_000, 1), (1_000_000, 1))
"""Points, and maps of them side by side."""

LASSOS = 9
"""How often the lasso is drawn; the median is told."""

LASSO_STEP_MS = 30
"""Between two of its 24 mouse movements: a hand draws for about a second, and no browser is handed them at once."""

WAIT_SECONDS = 300
"""A picture that is not there by then counts as none."""

_CELL = """from benchmarks.explorer import cloud
from sercourse.explain.linked_maps import LinkedMaps

LinkedMaps(*[cloud({points}) for _ in range({maps})])"""
_LASSO_TO_TABLE = """() => new Promise(done => {
  const panel = document.querySelector('.sercourse-panel'), send = WebSocket.prototype.send;
  let begun = null, told = null;
  WebSocket.prototype.send = function (...message) {
    if (begun !== null) told ??= performance.now() - begun;
    return send.apply(this, message);
  };
  const seen = new MutationObserver(() => {
    if (begun !== null && panel.querySelector('.sercourse-counts')) {
      seen.disconnect();
      WebSocket.prototype.send = send;
      done([performance.now() - begun, told]);
    }
  });
  window.addEventListener('mouseup', () => { begun = performance.now(); }, {capture: true, once: true});
  seen.observe(panel, {childList: true, subtree: true, characterData: true});
  window.sercourseReady = true;
})"""


@dataclass(frozen=True)
class Measurement:
    """One size, measured.

    Attributes:
        points: how many.
        maps: of them, side by side.
        picture_s: from running the cell to the first picture.
        lasso_ms: from the mouse button let go to the table in the page, the median.
        drawing_ms: of that, until the page asks the kernel, the median: it draws the map first, here by the processor.
        kernel_mb, browser_mb: peak resident memory; shared pages of the browser's processes count once per process.
    """

    points: int
    maps: int
    picture_s: float
    lasso_ms: float
    drawing_ms: float
    kernel_mb: float
    browser_mb: float


class _Cloud(MapSource):
    """Points in the place of a run."""

    def __init__(self, points: np.ndarray, table: pd.DataFrame):
        self.layers, self.first, self.title = {"cloud": "points drawn at random"}, "cloud", f"{len(table)} points"
        self.table = table
        self._projection = Projection(points, "pca", {}, 1.0)

    def restricted(self, utterances: list[str]) -> MapSource:
        """All of them are there."""
        return self

    def place(self, layer: str, method: str = "tsne", **setting: float) -> Projection:
        """The cloud, whatever is asked."""
        return self._projection

    def silhouettes(self, layer: str) -> dict[str, float]:
        """None: they take the square of the points."""
        return {}


def cloud(count: int) -> MapSource:
    """A source of so many points: a Gaussian per emotion, and one sound for all of them.

    Args:
        count: how many.
    """
    rng = np.random.default_rng(0)
    emotions = np.array(EMOTIONS)
    drawn = rng.integers(len(emotions), size=count)
    centres = 4 * np.stack([np.cos(2 * np.pi * drawn / 9), np.sin(2 * np.pi * drawn / 9)], axis=1)
    sound = Path(tempfile.gettempdir()) / "sercourse-explorer-benchmark.wav"
    soundfile.write(sound, 0.1 * rng.standard_normal(24_000), 16_000)
    known = {
        "emotion": emotions[drawn],
        "predicted": emotions[rng.permutation(drawn)],
        "path": str(sound),
        "side": "test",
        "judged": np.where(rng.random(count) < 0.5, "right", "wrong"),
        "confidence": 0.5,
        "start": 0.0,
        "end": np.nan,
        "gender": "female",
        "language": "de",
        "noise": "none",
        "text": "",
        "speaker": np.char.add("s", (drawn % 7).astype(str)),
    }
    index = pd.Index([f"u{number}" for number in range(count)], name="utterance_id")
    return _Cloud(rng.standard_normal((count, 2)) + centres, pd.DataFrame(known, index=index)[list(SHOWN)])


def measure(sizes: tuple[tuple[int, int], ...] = SIZES) -> list[Measurement]:
    """Every size, each with a JupyterLab, a kernel and a browser of its own.

    Raises:
        UserError: no Chromium, or no playwright.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise UserError("This benchmark needs playwright: pip install 'sercourse[dev]'.") from None
    path = chromium()
    if path is None:
        raise UserError("This benchmark needs Chromium; install it by your system's packages.")
    measured = []
    with sync_playwright() as playwright:
        for points, maps in sizes:
            with tempfile.TemporaryDirectory(prefix="sercourse-explorer-") as folder:
                served = Path(folder) / "notebooks"
                served.mkdir()
                cell = nbformat.v4.new_code_cell(_CELL.format(points=points, maps=maps))
                notebook = nbformat.v4.new_notebook(cells=[cell], metadata=KERNEL)
                nbformat.write(notebook, served / "cloud.ipynb")
                with running_lab(served, Path(folder)) as lab:
                    browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
                    try:
                        measured.append(_measure_one(lab, browser, points, maps))
                    finally:
                        browser.close()
    return measured


def _measure_one(lab: Lab, browser: Browser, points: int, maps: int) -> Measurement:
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(f"{lab.url}/lab/tree/cloud.ipynb?token={lab.token}&reset", timeout=60_000)
    page.locator(".jp-CodeCell").first.wait_for(timeout=60_000)
    page.locator("#jp-main-statusbar", has_text="| Idle").wait_for(timeout=60_000)
    with Watch(*_kernels_and_browser(lab.process.pid), divided=False) as watch:
        begun = time.perf_counter()
        page.locator(".jp-CodeCell").first.click()
        page.keyboard.press("Shift+Enter")
        canvas = page.locator(".sercourse-maps canvas:visible").first
        canvas.wait_for(timeout=1000 * WAIT_SECONDS)
        while not _drawn(canvas.screenshot(timeout=60_000)):
            if time.perf_counter() - begun > WAIT_SECONDS:
                raise UserError(f"{points} points: no picture after {WAIT_SECONDS} s.")
            time.sleep(0.1)
        picture = time.perf_counter() - begun
        lassos = [_lasso(page, canvas, 0.3 + 0.03 * number) for number in range(LASSOS)]
    kernels, browsers = watch.peaks
    table, told = map(statistics.median, zip(*lassos))
    return Measurement(points, maps, picture, table, told, kernels.rss / 1e6, browsers.rss / 1e6)


def _lasso(page: Page, canvas: Locator, begin: float) -> tuple[float, float]:
    """Milliseconds from the mouse button let go to the counted table, and to the first message.

    ``begin``: how far down the lasso begins; another height is another selection.
    """
    page.locator(".sercourse-panel").evaluate("panel => panel.querySelector('.sercourse-counts')?.remove()")
    page.evaluate(f"() => {{ window.sercourseReady = false; window.sercourseLasso = ({_LASSO_TO_TABLE})(); }}")
    page.wait_for_function("() => window.sercourseReady")
    place = canvas.bounding_box()
    left, top, wide, high = (place[side] for side in ("x", "y", "width", "height"))
    page.mouse.move(left + 0.6 * wide, top + begin * high)
    page.mouse.down()
    # It ends near where it began: at the very place, letting go would be a click on it.
    corners = ((0.6, begin), (0.7, begin), (0.7, begin + 0.2), (0.6, begin + 0.2), (0.6, begin + 0.03))
    for (x, y), (to_x, to_y) in itertools.pairwise(corners):
        for step in np.linspace(0, 1, 7)[1:]:
            across, down = x + step * (to_x - x), y + step * (to_y - y)
            page.mouse.move(left + float(across) * wide, top + float(down) * high)
            page.wait_for_timeout(LASSO_STEP_MS)
    page.mouse.up()
    table, told = page.evaluate("() => window.sercourseLasso")
    return float(table), float(told)


def _drawn(picture: bytes) -> bool:
    """Whether points can be seen right of the legend: colours, not only a background."""
    pixels = np.asarray(PIL.Image.open(io.BytesIO(picture)).convert("RGB"), dtype=int)
    right = pixels[:, pixels.shape[1] // 4 :]
    return bool((np.ptp(right, axis=-1) > 60).sum() > 50)


def _kernels_and_browser(server: int) -> tuple[Group, Group]:
    """The processes of a JupyterLab's kernels, and the others of this process, which are its browser's."""
    lab, here = psutil.Process(server), psutil.Process()

    def kernels() -> set[psutil.Process]:
        return set(lab.children(recursive=True))

    return kernels, lambda: set(here.children(recursive=True)) - kernels() - {lab}


def as_json(measured: list[Measurement]) -> list[dict]:
    """For ``--json``."""
    return [asdict(one) for one in measured]


def table(measured: list[Measurement]) -> Table:
    """One row per size."""
    shown = Table(
        "points", "maps", "first picture, s", "lasso to table, ms", "of it drawing, ms", "kernel, MB", "browser, MB",
        title="Explorer",
    )  # fmt: skip
    for one in measured:
        times = f"{one.picture_s:.1f}", f"{one.lasso_ms:.0f}", f"{one.drawing_ms:.0f}"
        shown.add_row(f"{one.points:,}", str(one.maps), *times, f"{one.kernel_mb:.0f}", f"{one.browser_mb:.0f}")
    return shown
