"""From transcripts to symbols and back."""

import pandas as pd
import pytest

from sercourse.errors import UserError
from sercourse.evaluation.transcripts import error_rates
from sercourse.losses.ctc import ENGLISH, SPECIAL, UNKNOWN, collapsed
from sercourse.training.alphabet import alphabet, plain, spelt


def texts(language: str, *said: str | None) -> pd.DataFrame:
    index = [f"c/{number}" for number in range(len(said))]
    return pd.DataFrame({"text": pd.array(said, dtype="string"), "language": language}, index=index)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Nina  lost: four!", "nina lost four"),
        ("Don’t", "don't"),
        ("Straße", "strasse"),
        ("środę 3", "środę 3"),
        ("报纸在。", "报纸在"),
        ("हिन्दी", "हिन्दी"),
    ],
)
def test_what_is_only_written_goes(text, expected):
    assert plain(text) == expected


def test_english_has_its_own_symbols_and_others_those_of_their_texts():
    assert alphabet(texts("en", "Yes.", None)) == list(ENGLISH)
    assert alphabet(texts("de", "Ja, gut.", "Tür")) == [*SPECIAL, *"agjrtuü"]
    assert alphabet(texts("en", "Yell."), "corpus") == [*SPECIAL, *"ely"]
    assert alphabet(texts("en", None)) == []
    with pytest.raises(UserError, match=r"c/1: 'é' in its text is none of the 32 English symbols.*alphabet=corpus"):
        alphabet(texts("en", "fine", "café"))


def test_spelling_and_reading_are_inverse():
    said = "victor wants six old maps"
    numbers = spelt(said, ENGLISH)
    path = [symbol for number in numbers.tolist() for symbol in (number, 0)]
    assert collapsed(path, ENGLISH) == said
    assert spelt(None, ENGLISH).shape == (0,)
    assert spelt("ß", [*SPECIAL, "s"]).tolist() == [5, 5]
    assert spelt("é", ENGLISH).tolist() == [UNKNOWN]


def test_error_rates_count_words_and_characters():
    rates = error_rates(["a b c d", "", "e f"], ["a x c", "noise", "e f"])
    assert rates == {"wer": pytest.approx(100 * 2 / 6), "cer": pytest.approx(100 * 3 / 10), "n_test": 2}
    assert error_rates([""], ["x"]) == {"wer": None, "cer": None, "n_test": 0}
