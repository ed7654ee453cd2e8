"""The app's page in a browser that has a microphone fed from a file, and no network but the page's own address.

Screenshots are written to ``build/screenshots/``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile
from little_runs import SMALL, runs_apart, runs_of_all_chapters, voice
from notebook_page import ROOT, SCREENSHOTS
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from benchmarks.jupyterlab import free_port
from sercourse.app.answers import Networks
from sercourse.app.page import voice_app
from sercourse.app.uploads import UPLOADS

pytestmark = pytest.mark.browser

PATIENCE = 90_000
"""Milliseconds for an answer on a busy machine."""

RECORDER = """import widget from "./recorder.js";
window.told = {};
const model = {get: () => 19.5, set: (name, value) => { window.told[name] = value; },
               save_changes: () => { window.saved = [...new Uint8Array(window.told.wav.buffer)]; }};
widget.render({model, el: document.body});"""
"""A cell's button alone, in a page or a frame."""


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """A running page with little networks of all chapters."""
    with runs_apart(tmp_path_factory, UPLOADS):
        page = voice_app(Networks.load(list(runs_of_all_chapters(tmp_path_factory).values())))
        page.launch(server_port=free_port(), prevent_thread_lock=True, inbrowser=False)
        yield page.local_url
        page.close(verbose=False)


@pytest.fixture
def visit(request, talking: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open the page; whatever it asks of another address fails the test."""
    contexts, outside = [], []

    def only_here(route: Route) -> None:
        if route.request.url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            outside.append(route.request.url)
            route.abort()

    def opened(width: int = 1280, height: int = 900, scheme: str = "light") -> Page:
        context = talking.new_context(viewport={"width": width, "height": height}, color_scheme=scheme,
                                      permissions=["microphone"])  # fmt: skip
        context.route("**/*", only_here)
        contexts.append(context)
        page = context.new_page()
        page.goto(address)
        expect(page.locator("#sc-sound")).to_be_visible(timeout=PATIENCE)
        return page

    yield opened
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for number, context in enumerate(contexts):
        name = re.sub(r"\W+", "-", f"app-{request.node.name}-{number}").strip("-")
        context.pages[0].screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
        context.close()
    assert outside == []


def send(page: Page, file: Path) -> None:
    """Upload a file."""
    page.locator("#sc-sound").get_by_role("button", name="Upload file").click()
    page.locator("#sc-sound input[type=file]").set_input_files(file)


def test_a_recording_from_the_microphone_is_answered(visit):
    page = visit()
    sound = page.locator("#sc-sound")
    sound.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(4_000)
    sound.get_by_role("button", name="Stop").first.click()
    cards = page.locator("#sc-answer .sc-card")
    expect(cards).to_have_count(5, timeout=PATIENCE)
    assert {card.get_attribute("data-network") for card in cards.all()} == set(SMALL)
    expect(page.locator("#sc-answer")).to_contain_text("These are teaching models.")
    expect(page.locator("#sc-answer")).to_contain_text(re.compile(r"Speech from \d\.\d\d to \d\.\d\d s"))
    expect(page.locator("#sc-answer")).to_contain_text("The recording is not kept.")
    played = """audio => new Promise(done => { audio.onended = () => done(audio.currentTime); audio.play(); })"""
    assert page.locator("#sc-answer audio").evaluate(played) > 1, "hear it back"
    page.locator("#sc-more").click()
    expect(page.locator("#sc-change .sc-words tbody tr")).to_have_count(5, timeout=PATIENCE)


def test_noise_changes_what_is_heard_and_a_clear_forgets(visit, tmp_path):
    page = visit()
    soundfile.write(tmp_path / "mine.wav", voice(220, 0.9), 16_000)
    send(page, tmp_path / "mine.wav")
    expect(page.locator("#sc-answer .sc-card")).to_have_count(5, timeout=PATIENCE)
    slider = page.locator("#sc-snr input[type=range]")
    expect(slider).to_be_disabled()  # of what is not there
    page.locator("#sc-noise input").click()
    page.get_by_role("option", name="pink").click()
    expect(slider).to_be_enabled(timeout=PATIENCE)
    expect(page.locator("#sc-answer")).to_contain_text("in pink noise at 10 dB", timeout=PATIENCE)
    page.locator("#sc-sound").get_by_role("button", name="Clear").first.click()
    expect(page.locator("#sc-answer .sc-card")).to_have_count(0, timeout=PATIENCE)
    page.locator("#sc-more").click()
    expect(page.locator("#sc-change .sc-mistake")).to_have_text(
        "There is no recording yet; record or upload one first.", timeout=PATIENCE
    )


def test_uploads_that_cannot_be_used_are_one_sentence(visit, tmp_path):
    page = visit(390, 844, "dark")
    (tmp_path / "letter.txt").write_text("Dear all")
    send(page, tmp_path / "letter.txt")
    expect(page.locator(".toast-body")).to_contain_text("Invalid file type: letter.txt", timeout=PATIENCE)
    (tmp_path / "letter.wav").write_text("Dear all, " * 99)
    with page.expect_file_chooser() as chooser:  # as a visitor would, after the first has been refused
        page.locator("#sc-sound").get_by_text("Click to Upload").click()
    chooser.value.set_files(tmp_path / "letter.wav")
    expect(page.locator("#sc-answer .sc-mistake")).to_have_text(
        "letter.wav: not a sound file that can be read here; send wav, flac, mp3 or ogg.", timeout=PATIENCE
    )
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing hangs out sideways"


def test_an_upload_that_is_too_large_is_one_sentence(visit, tmp_path):
    page = visit()
    with (tmp_path / "large.wav").open("wb") as sparse:
        sparse.truncate(11 * 2**20)
    send(page, tmp_path / "large.wav")
    expect(page.locator(".toast-body")).to_contain_text("maximum allowed size of 10", timeout=PATIENCE)


def test_an_upload_is_answered_though_the_emptying_before_it_is_not_yet(visit, tmp_path):
    page = visit()
    soundfile.write(tmp_path / "mine.wav", voice(160, 0.9), 16_000)
    slow: list[Route] = []

    def held(route: Route) -> None:
        if not slow and '"data":[null,' in (route.request.post_data or ""):
            slow.append(route)
        else:
            route.fallback()

    page.route("**/queue/join*", held)
    with page.expect_response(lambda response: "/upload?" in response.url, timeout=PATIENCE):
        send(page, tmp_path / "mine.wav")
    page.wait_for_timeout(1_000)  # the page has the file, and no answer yet to the choice of uploading
    slow[0].fallback()
    expect(page.locator("#sc-answer .sc-card")).to_have_count(5, timeout=PATIENCE)


def test_a_phone_at_night_shows_all_of_it(visit, tmp_path):
    page = visit(390, 844, "dark")
    soundfile.write(tmp_path / "mine.wav", voice(160, 0.9), 16_000)
    send(page, tmp_path / "mine.wav")
    expect(page.locator("#sc-answer .sc-card")).to_have_count(5, timeout=PATIENCE)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing hangs out sideways"


def serve_recorder(context: BrowserContext) -> None:
    """Answer for ``/cell``: the button of a notebook's cell alone."""
    script = (ROOT / "sercourse" / "app" / "recorder.js").read_text("utf-8")
    page = f"<body><script type='module'>{RECORDER}</script>"
    context.route("**/recorder.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    context.route("**/cell", lambda route: route.fulfill(body=page, content_type="text/html"))


@pytest.fixture
def button(talking: Browser) -> Iterator[Callable[[bool], Page]]:
    """The button of a notebook's cell alone, with or without leave to use the microphone."""
    contexts = []

    def opened(allowed: bool) -> Page:
        context = talking.new_context()
        contexts.append(context)
        if not allowed:
            context.add_init_script(
                "navigator.mediaDevices.getUserMedia = async () => { throw new Error('not given'); }"
            )
        serve_recorder(context)
        page = context.new_page()
        page.goto("http://localhost/cell")
        return page

    yield opened
    for context in contexts:
        context.close()


def test_the_cells_button_records_16_khz_wav(button, tmp_path):
    page = button(True)
    page.get_by_role("button", name="Record").click()
    page.wait_for_timeout(2_500)
    page.get_by_role("button", name="Stop").click()
    page.wait_for_function("window.saved", timeout=PATIENCE)
    (tmp_path / "cell.wav").write_bytes(bytes(page.evaluate("window.saved")))
    samples, rate = soundfile.read(tmp_path / "cell.wav")
    assert rate == 16_000
    assert samples.ndim == 1
    assert 1 < len(samples) / rate < 6
    assert abs(samples).max() > 0.02, "the voice of the microphone"
    expect(page.get_by_role("status")).to_have_text(re.compile(r"\d\.\d s recorded"))


@pytest.mark.parametrize(
    ("allow", "said"), [("microphone", r"\d\.\d s recorded"), ("", "No microphone here .*upload a file")]
)
def test_in_a_frame_of_another_address_the_notebooks_page_decides(talking: Browser, allow: str, said: str):
    """Where outputs live in frames of their own, as on Colab: with the page's leave it records, without it says so."""
    outer = f"<iframe src='http://127.0.0.1/cell' allow='{allow}'></iframe>"
    with talking.new_context(permissions=["microphone"]) as context:
        serve_recorder(context)
        context.route("**/page", lambda route: route.fulfill(body=outer, content_type="text/html"))
        page = context.new_page()
        page.goto("http://localhost/page")
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="Record").click()
        if allow:
            page.wait_for_timeout(1_500)
            frame.get_by_role("button", name="Stop").click()
        expect(frame.get_by_role("status")).to_have_text(re.compile(said))


def test_without_a_microphone_the_cell_says_to_upload(button):
    page = button(False)
    page.get_by_role("button", name="Record").click()
    expect(page.get_by_role("status")).to_have_text("No microphone here (not given); upload a file instead.")


def test_the_cells_player_asks_for_its_sound_and_leaves_none_in_the_state(talking: Browser):
    script = (ROOT / "sercourse" / "app" / "player.js").read_text("utf-8")
    start = """import widget from "./player.js";
        window.state = {};
        const model = {on: (name, heard) => { window.heard = heard; }, off: () => { window.heard = null; },
                       set: (name, value) => { window.state[name] = value; },
                       send: () => window.heard({html: "<audio controls aria-label='sound'></audio>"})};
        window.left = widget.render({model, el: document.body});"""
    with talking.new_context() as context:
        context.route("**/player.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
        context.route("**/cell", lambda route: route.fulfill(
            body=f"<body><script type='module'>{start}</script>", content_type="text/html"))  # fmt: skip
        page = context.new_page()
        page.goto("http://localhost/cell")
        expect(page.locator("audio")).to_have_count(1)
        page.evaluate("window.heard({html: ''})")
        expect(page.locator("audio")).to_have_count(0)
        assert page.evaluate("[window.state, window.left(), window.heard]") == [{}, None, None]
