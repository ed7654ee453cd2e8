"""Cards: every one is complete and consistent, and a wrong one is refused by name."""

from __future__ import annotations

import pytest
import yaml

from sercourse import corpora
from sercourse.corpora.cards import WAYS, card, card_names, parse_card
from sercourse.corpora.table import EMOTIONS
from sercourse.errors import CorpusError


def test_every_corpus_has_a_card():
    assert sorted(corpora.names()) == list(card_names())


@pytest.mark.parametrize("name", card_names())
def test_card(name):
    subject = card(name)
    assert sum(subject.emotions.values()) == subject.utterances
    assert set(subject.emotions) <= set(EMOTIONS)
    assert subject.how in WAYS
    assert subject.traps
    assert all(trap.endswith(".") for trap in subject.traps)
    text = subject.summary()
    assert text.startswith(f"{name}: {subject.title}\n")
    assert str(subject.utterances) in text
    assert subject.licence in text.replace("\n            ", " ")
    assert all(len(line) <= 100 or " " not in line.strip() for line in text.splitlines())


def test_published_figures():
    assert {name: (card(name).utterances, card(name).speakers) for name in card_names()} == {
        "casia": (1200, 4),
        "cremad": (7442, 91),
        "emodb": (535, 10),
        "iemocap": (5531, 10),
        "iemocap-improvised": (2943, 10),
        "matrix": (4000, 100),
        "nemo": (4481, 9),
        "ravdess": (1440, 24),
        "savee": (480, 4),
        "synthetic": (700, 10),
        "tess": (2800, 2),
        "tongues": (2016, 48),
        "urdu": (400, 29),
    }


def test_ways_to_a_corpus():
    assert card("emodb").way == "fetch it with `python data_scripts/fetch.py emodb`"
    assert "iemocap_release" in card("iemocap").way
    assert card("synthetic").way == "it is made at first use"
    assert card("ravdess").files[0].md5 == "bc696df654c87fed845eb13823edef8a"


def altered(**changes) -> str:
    values = {
        "name": "x",
        "folder": "x",
        "title": "X",
        "languages": ["de"],
        "style": "acted",
        "female": 1,
        "male": 1,
        "utterances": 3,
        "emotions": {"anger": 1, "fear": 2},
        "sentences": None,
        "sampling_rate": 16000,
        "licence": "CC0",
        "licence_url": "https://example.org",
        "redistribute": "yes",
        "citation": "X",
        "url": "https://example.org",
        "how": "fetch",
        "layout": "*.wav",
        "traps": ["None."],
    }
    values |= changes
    return yaml.safe_dump({key: value for key, value in values.items() if value != "absent"})


def test_a_minimal_card():
    subject = parse_card(altered(files=[{"name": "x.zip", "size": 5}]), "x.yaml")
    assert (subject.speakers, subject.files[0].size, subject.files[0].md5) == (2, 5, None)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"title": "absent"}, "x.yaml: the field 'title' is missing"),
        ({"license": "CC0"}, "x.yaml: there is no field 'license'"),
        ({"utterances": "3"}, "utterances = '3' should be int"),
        ({"female": True}, "female = True should be int"),
        ({"traps": "None."}, "traps = 'None.' should be tuple"),
        ({"utterances": 4}, "emotions = .*sum 3, utterances 4"),
        ({"emotions": {"joy": 3}}, r"emotions = .*unknown: \['joy'\]"),
        ({"how": "steal"}, "how = 'steal' is not allowed"),
        ({"url": "example.org"}, "url = 'example.org' is not allowed"),
        ({"languages": ["German"]}, "languages = "),
        ({"female": 0, "male": 0}, "male = 0 is not allowed"),
        ({"sampling_rate": 16}, "sampling_rate = 16 is not allowed"),
        ({"name": "y"}, "x.yaml: name is 'y'; it must equal the file's name"),
        ({"files": ["x.zip"]}, "CardFile must be a mapping"),
        ({"files": [{"size": 5}]}, "the field 'name' is missing"),
    ],
)
def test_a_wrong_card_is_refused(changes, complaint):
    with pytest.raises(CorpusError, match=complaint):
        parse_card(altered(**changes), "x.yaml")


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2\n"])
def test_not_a_mapping(text):
    with pytest.raises(CorpusError, match=r"x\.yaml: "):
        parse_card(text, "x.yaml")


def test_unknown_names():
    with pytest.raises(CorpusError, match="there is no corpus 'x'"):
        card("x")
    with pytest.raises(CorpusError, match="own recordings have no card"):
        card("csv:x.csv")
