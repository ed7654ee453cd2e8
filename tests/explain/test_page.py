"""The page as a file: whole, safe against any text, silent where a corpus forbids sound."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image
import pytest
import soundfile

from sercourse.corpora import cards
from sercourse.corpora.registry import names
from sercourse.errors import UserError
from sercourse.explain import page
from sercourse.explain.colourings import JUDGED
from sercourse.explain.page import for_script, silent_because, without_folders, write_page
from sercourse.explain.plots import EMOTION_COLOURS
from sercourse.explain.projections import Projection
from sercourse.explain.thumbnail import PICTURE_SIZE, picture

NASTY = "</script><script>alert(1)</script><!-- & {{data}} \u2028 “Käse”"


@pytest.fixture
def table(tmp_path) -> pd.DataFrame:
    """Twelve utterances of half a second; the last one was not tested and has no gender, one says something nasty."""
    t = np.arange(8_000) / 16_000
    rows = []
    for number in range(12):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * (200 + 20 * number) * t), 16_000)
        emotion, predicted = ("anger", "fear")[number % 2], "anger"
        judged, speaker = "right" if emotion == predicted else "wrong", f"synthetic/f0{number % 3}"
        rows.append([emotion, predicted, judged, 0.7, "female", speaker, "de", "Guten Tag", str(path), 0.0, np.nan])
    columns = ["emotion", "predicted", "judged", "confidence", "gender", "speaker", "language", "text", "path", "start",
               "end"]  # fmt: skip
    made = pd.DataFrame(rows, columns=columns, index=pd.Index([f"u{k}" for k in range(12)], name="utterance_id"))
    made.loc["u3", "text"] = NASTY
    made.loc["u11", ["predicted", "judged", "confidence", "gender"]] = [None, None, np.nan, None]
    texts = [column for column in columns if column not in ("confidence", "start", "end")]
    return made.astype(dict.fromkeys(texts, "string"))


@pytest.fixture
def projection() -> Projection:
    return Projection(np.random.default_rng(0).normal(size=(12, 2)), "tsne", {"perplexity": 3.0}, 0.9)


def filled(file: Path) -> dict:
    """What the page knows."""
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', file.read_text("utf-8"), re.S)
    return json.loads(found)


def test_the_page_holds_everything_and_asks_for_nothing(table, projection, tmp_path):
    file = write_page(tmp_path / "new" / "page.html", projection, table, corpus="synthetic", title="A map", notes=["n"])
    text = file.read_text("utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r"""(src|href)=["']?(https?:)?//|@import|url\(""", text)
    assert "{{title}}" not in text
    found = filled(file)
    assert found["title"] == "A map"
    assert found["notes"][0] == "n"
    assert "t-SNE (perplexity 3), trustworthiness 0.90" in found["notes"][1]
    assert [row["id"] for row in found["rows"]] == list(table.index)
    places = np.array([[row["x"], row["y"]] for row in found["rows"]])
    np.testing.assert_allclose(places.min(0), 0)
    np.testing.assert_allclose(places.max(0), 1)
    assert "CC BY 4.0" in found["credits"][0]


def test_any_text_stays_text(table, projection, tmp_path):
    file = write_page(tmp_path / "p.html", projection, table, corpus="synthetic", title=NASTY, notes=[NASTY])
    text = file.read_text("utf-8")
    assert "alert(1)</script>" not in text
    assert text.count("</script>") == 2
    found = filled(file)
    assert found["rows"][3]["text"] == found["title"] == found["notes"][0] == NASTY
    assert json.loads(for_script({"a": NASTY})) == {"a": NASTY}


def test_colours_and_shapes_name_classes_and_count_them(table, projection, tmp_path):
    found = filled(write_page(tmp_path / "p.html", projection, table, corpus="synthetic", title="t", colour="judged"))
    assert found["colour"] == "judged"
    assert list(found["colourings"]) == ["emotion", "predicted", "judged", "gender", "speaker", "language"]
    classes = {name: one["classes"] for name, one in found["colourings"].items()}
    assert {one["name"]: one["colour"] for one in classes["emotion"]} == {
        name: EMOTION_COLOURS[name] for name in ("anger", "fear")
    }
    assert [(one["name"], one["count"]) for one in classes["judged"]] == [("right", 6), ("wrong", 5), ("not tested", 1)]
    assert classes["judged"][1]["shape"] == JUDGED["wrong"][1]
    assert [(one["name"], one["count"]) for one in classes["gender"]] == [("female", 11), ("not given", 1)]
    assert [one["name"] for one in classes["speaker"]] == ["f00", "f01", "f02"], "all are of one corpus"
    for one in classes.values():
        assert len({each["shape"] for each in one}) == len({each["colour"] for each in one}) == len(one)
    last = found["rows"][11]
    assert [last["predicted"], last["judged"], last["confidence"]] == [None, None, None]
    assert classes["judged"][last["classes"]["judged"]]["name"] == "not tested"


def test_noise_and_side_colour_points_only_where_they_differ(table, projection, tmp_path):
    told = table.assign(noise="none", side=["train", "test"] * 6).astype({"noise": "string", "side": "string"})
    found = filled(write_page(tmp_path / "p.html", projection, told, corpus="synthetic", title="t", colour="side"))
    assert "noise" not in found["colourings"]
    assert [one["count"] for one in found["colourings"]["side"]["classes"]] == [6, 6]
    with pytest.raises(UserError, match="--colour noise"):
        write_page(tmp_path / "p.html", projection, told, corpus="synthetic", title="t", colour="noise")


def test_sound_is_the_recording_and_the_picture_small(table, projection, tmp_path):
    found = filled(write_page(tmp_path / "p.html", projection, table, corpus="synthetic", title="t"))
    assert found["silent"] == ""
    for row in found["rows"]:
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(row["sound"])))
        assert rate == 16_000
        assert len(samples) == pytest.approx(8_000, abs=1_500)
        drawn = base64.b64decode(row["picture"])
        assert PIL.Image.open(io.BytesIO(drawn)).size == PICTURE_SIZE
        assert len(drawn) < 5_000


def test_a_tone_is_a_bright_line_low_in_the_picture():
    t = np.arange(16_000) / 16_000
    drawn = PIL.Image.open(io.BytesIO(picture(np.float32(0.3 * np.sin(2 * np.pi * 500 * t))))).convert("L")
    rows = np.asarray(drawn, dtype=float).mean(1)
    assert 0.5 < rows.argmax() / len(rows) < 0.95, "500 Hz lies low on a mel scale to 8 kHz, and low is down"


def test_pictures_are_left_out_of_large_pages(table, projection, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "PICTURES", 11)
    found = filled(write_page(tmp_path / "p.html", projection, table, corpus="synthetic", title="t"))
    assert not any("picture" in row for row in found["rows"])
    monkeypatch.setattr(page, "SOUNDS", 11)
    found = filled(write_page(tmp_path / "p.html", projection, table, corpus="synthetic", title="t"))
    assert not any("sound" in row for row in found["rows"])
    assert "12 recordings are too many" in found["silent"]


@pytest.mark.parametrize(
    ("corpus", "why"),
    [
        ("synthetic,iemocap", "research licence"),
        ("iemocap-improvised", "must not be passed on"),
        ("ravdess+none+white@0", "CC BY-NC-SA"),
        ("cremad", "ODbL"),
        ("csv:/some/where,else.csv", "no card"),
        ("little", "no card"),
    ],
)
def test_what_may_not_be_passed_on_is_not_in_the_page(table, projection, tmp_path, corpus, why):
    found = filled(write_page(tmp_path / "p.html", projection, table, corpus=corpus, title="t"))
    assert why in found["silent"]
    assert not any({"sound", "picture"} & set(row) for row in found["rows"])


def test_cards_decide(monkeypatch):
    free = {name for name in names() if not silent_because(name)}
    assert free == {"synthetic", "matrix", "tongues", "emodb"}
    assert silent_because("synthetic+none+white@0,matrix=four") == ""
    for licence, allowed in {"CC0 1.0": True, "CC BY 3.0": True, "CC BY-ND 4.0": False, "MIT": False}.items():
        card = replace(cards.card("synthetic"), licence=licence)
        monkeypatch.setattr(page, "card", lambda name, card=card: card)
        assert (silent_because("synthetic") == "") == allowed, licence


def test_sound_can_be_left_out_and_a_lost_file_is_said_without_its_path(table, projection, tmp_path):
    found = filled(write_page(tmp_path / "p.html", projection, table, corpus="synthetic", title="t", audio=False))
    assert found["silent"]
    assert not any("sound" in row for row in found["rows"])
    (tmp_path / "3.wav").unlink()
    file = write_page(tmp_path / "p.html", projection, table, corpus="synthetic", title="t")
    assert str(tmp_path) not in file.read_text("utf-8")
    rows = filled(file)["rows"]
    assert "sound" not in rows[3]
    assert rows[3]["silent"]
    assert all("sound" in row for row in rows[:3])


def test_pca_keeps_its_proportions(table, projection, tmp_path):
    flat = replace(projection, points=projection.points * [3, 1], method="pca", parameters={})
    found = filled(write_page(tmp_path / "p.html", flat, table, corpus="synthetic", title="t"))
    assert found["proportion"] == pytest.approx(np.divide(*np.ptp(flat.points, axis=0)))
    assert filled(write_page(tmp_path / "p.html", projection, table, corpus="x", title="t"))["proportion"] is None


def test_what_cannot_be_written_is_one_sentence(table, projection, tmp_path):
    with pytest.raises(UserError, match="--colour age: choose one of emotion, predicted"):
        write_page(tmp_path / "p.html", projection, table, corpus="synthetic", title="t", colour="age")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"--html .*cannot be written"):
        write_page(tmp_path / "file" / "p.html", projection, table, corpus="x", title="t")
    with pytest.raises(ValueError, match="12 points and 11 rows"):
        write_page(tmp_path / "p.html", projection, table.iloc[1:], corpus="x", title="t")


def test_what_was_said_in_a_closed_corpus_stays_out(table, projection, tmp_path):
    page = write_page(tmp_path / "map.html", projection, table, corpus="iemocap", title="x").read_text("utf-8")
    assert "Guten Tag" not in page
    assert "Labels: " in page
    assert "Guten Tag" in write_page(tmp_path / "open.html", projection, table, corpus="ravdess", title="x").read_text(
        "utf-8"
    )


def test_a_page_tells_no_folder_of_ours(table, projection, tmp_path):
    corpus = "csv:/nowhere/secret/mine.csv"
    page = write_page(tmp_path / "map.html", projection, table, corpus=corpus, title=without_folders(corpus))
    told = page.read_text("utf-8")
    assert "secret" not in told
    assert "csv:mine.csv" in told
