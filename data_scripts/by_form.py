"""Corpora that somebody must grant: whom to ask, what to expect, and the folder layout that sercourse reads."""

from __future__ import annotations

from dataclasses import dataclass

from sercourse.corpora import card


@dataclass(frozen=True)
class Form:
    """A corpus that no script may fetch. What its card says need not be said again."""

    name: str
    who: str
    """Who grants it."""
    expect: str
    """What is asked for and what arrives."""
    title: str = ""
    """Empty: as on the card."""
    address: str = ""
    """Where to ask; empty: as on the card."""

    beside: str = ""
    """What the loader needs beside the recordings."""

    @property
    def has_card(self) -> bool:
        """Whether sercourse can load it."""
        return not self.title

    @property
    def full_title(self) -> str:
        """Its name in full."""
        return self.title or card(self.name).title


_ALL = (
    Form(
        name="iemocap",
        who="the laboratory SAIL of the University of Southern California",
        expect="a request form for academic use; the address arrives by mail, 12 to 17 GB",
        beside=", with Session1/dialog/EmoEvaluation/*.txt and Session1/dialog/transcriptions/*.txt",
    ),
    Form(
        name="savee",
        who="the University of Surrey",
        expect="a registration for research use; 480 recordings, of which the audio part will do",
    ),
    Form(
        name="tess",
        who="the University of Toronto (Pichora-Fuller and Dupuis)",
        expect="terms of use to accept on the data page; 2800 recordings",
    ),
    Form(
        name="casia",
        who="the Chinese Linguistic Data Consortium, for the Chinese Academy of Sciences",
        expect="a licence contract for the full 9600 recordings; a part of 1200 is given out more freely",
    ),
    Form(
        name="avec",
        title="AVEC 2016: RECOLA (French) and DAIC-WOZ (English)",
        who="the University of Fribourg (RECOLA) and the University of Southern California (DAIC-WOZ)",
        address="http://sspnet.eu/avec2016/challenge-guidelines/",
        expect="a signed licence agreement for each; its labels are dimensions and depression scores, not emotions",
    ),
    Form(
        name="afew",
        title="AFEW: clips from films (English)",
        who="the Australian National University",
        address="https://cs.anu.edu.au/few/AFEW.html",
        expect="a request by mail with a signed licence; video, from which you extract the sound yourself",
    ),
)

FORMS: dict[str, Form] = {form.name: form for form in _ALL}


def instructions(form: Form, folder: str) -> str:
    """What to do to get a corpus into ``folder``, in plain lines."""
    own_table = "no loader: write a table with the columns path, emotion and speaker, and use it as csv:TABLE.csv"
    return "\n".join(
        [
            form.full_title,
            f"  ask      {form.who}",
            f"  address  {form.address or card(form.name).url}",
            f"  expect   {form.expect}",
            f"  folder   {folder}",
            f"  layout   {card(form.name).layout + form.beside if form.has_card else own_table}",
        ]
    )
