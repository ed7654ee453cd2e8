"""The built site: what its checker finds and lets pass, and what is taken away of earlier builds."""

from __future__ import annotations

import pytest

from data_scripts.website import __main__ as site
from data_scripts.website import links

GOOD = "<h1 id='top'>T</h1><h2>U</h2><a href='b.html#there'>b</a><img src='p.png' alt='a picture'>"


@pytest.mark.parametrize(
    ("html", "told"),
    [
        (GOOD, None),
        ("<a href='c.html'>c</a>", "links to c.html, which is not there"),
        ("<a href='b.html#gone'>b</a>", "has no 'gone'"),
        ("<a href='#gone'>b</a>", "has no 'gone'"),
        ("<a href='/b.html'>b</a>", "depends on where the site lies"),
        ("<a href='../x.html'>b</a>", "which is not there"),
        ("<img src='p.png'>", "no alternative text"),
        ("<img src='q.png' alt='q'>", "links to q.png"),
        ("<h1>T</h1><h3>U</h3>", "a heading <h3> follows <h1>"),
        ("<script src='https://cdn.example/x.js'></script>", "fetches https://cdn.example/x.js"),
        ("<link rel='stylesheet' href='//fonts.example/x.css'>", "fetches //fonts.example"),
        ("<style>@import 'https://fonts.example/x.css'</style>", "a style sheet in the page"),
        ("<p>/the/builder/file</p>", "names '/the/builder'"),
        ("<a href='https://elsewhere.example'>there</a>", None),
        ("<audio src='data:audio/mp3;base64,AAAA' aria-label='a voice'></audio>", None),
        ("<audio src='data:audio/mp3;base64,AAAA'></audio>", "a player has no name"),
    ],
)
def test_checker_of_links(tmp_path, html, told):
    (tmp_path / "a.html").write_text(html)
    (tmp_path / "b.html").write_text("<h1 id='there'>B</h1>")
    (tmp_path / "p.png").write_bytes(b"")
    found = links.problems(tmp_path, private=("/the/builder",))
    assert len(found) == (0 if told is None else 1), found
    assert told is None or told in found[0]


def test_checker_knows_headings_and_what_is_not_closed():
    page = links.read_page("<h1>A</h1><br><section><h2>B</h2><p>text</section><div>")
    assert page.headings == [1, 2]
    assert page.unclosed == ["div"]


def test_checker_reads_style_sheets(tmp_path):
    (tmp_path / "a.css").write_text("@font-face { src: url(https://fonts.example/a.woff2) }")
    (tmp_path / "b.css").write_text("a { background: url(data:image/svg+xml;utf8,x) }")
    assert links.problems(tmp_path) == ["a.css: fetches from another server"]


def test_a_site_with_other_pages_is_begun_anew(tmp_path):
    source, html = tmp_path / "source", tmp_path / "html"
    for file in (source / "t" / "a.md", html / "t" / "a.html", html / "search.html", html / "explorers" / "msfl.html"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    site.clear_if_other(source, html)
    assert (html / "t" / "a.html").exists(), "the same pages"
    (html / "t" / "gone.html").touch()
    site.clear_if_other(source, html)
    assert not html.exists()


def test_pictures_that_no_page_shows_are_removed(tmp_path):
    (tmp_path / "_images").mkdir()
    for name in ("shown.png", "left.png"):
        (tmp_path / "_images" / name).touch()
    (tmp_path / "a.html").write_text('<img src="_images/shown.png" alt="b">')
    site.remove_pictures(tmp_path)
    assert [file.name for file in (tmp_path / "_images").iterdir()] == ["shown.png"]
