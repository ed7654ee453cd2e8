"""All prose against a dictionary: notebooks, README, pages. What is right and in no dictionary stands in words.txt."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from spellchecker import SpellChecker

ROOT = Path(__file__).resolve().parents[1]
WORDS = Path(__file__).with_name("words.txt")
PROSE = sorted(
    {
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/**/*.yml"), *ROOT.glob("notebooks/source/[0-9][0-9]_*.py"),
    }
)  # fmt: skip

_NO_PROSE = re.compile(
    r"^```.*?^```|<!--.*?-->|\$\$.*?\$\$|\$[^$\n]+\$|`[^`]*`|https?://\S+|\]\([^)]*\)|\{[^}\n]*\}|\b\w*[_/@.]\w+\b",
    re.MULTILINE | re.DOTALL,
)
_WORD = re.compile(r"(?<![\w’'])[A-Za-zÀ-ž][a-zà-ž]+(?:['’][a-z]+)?(?![\w’'])")


@pytest.fixture(scope="module")
def dictionary() -> SpellChecker:
    """English, and the course's own words."""
    known = SpellChecker(language="en", distance=1)
    known.word_frequency.load_words(own_words())
    return known


def own_words() -> list[str]:
    return [line for line in WORDS.read_text("utf-8").splitlines() if line and not line.startswith("#")]


def words(text: str, *, notebook: bool = False) -> list[str]:
    """The words of a text: code, formulas, links and references to the literature left out."""
    if notebook:
        text = "\n".join(line[2:] for line in text.splitlines() if line.startswith("# ") and line[2:4] != "%%")
        text = text.partition("## References")[0]
    return _WORD.findall(_NO_PROSE.sub(" ", text))


def unknown(found: list[str], dictionary: SpellChecker) -> set[str]:
    """Words that are in no dictionary, neither as they are nor without a genitive's s."""
    plain = {word: word.replace("’", "'").lower() for word in found}
    bare = {word: re.sub(r"'s$", "", lower) for word, lower in plain.items()}
    return {word for word in found if not dictionary.known([plain[word], bare[word]])}


def test_a_misspelling_is_found(dictionary):
    text = "# ## A sylable\n# The `cdoe` of $wrods$ [link](htpp) is rihgt, the speaker's too.\n"
    text += "code = misspeld\n# ## References\n# Xyzz"
    assert unknown(words(text, notebook=True), dictionary) == {"sylable", "rihgt"}


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_prose_is_spelt_right(path, dictionary):
    found = unknown(words(path.read_text("utf-8"), notebook=path.suffix == ".py"), dictionary)
    assert sorted(found) == [], f"{path.name}: mend the words, or add those that are right to tests/words.txt"


def test_own_words_are_in_order():
    assert own_words() == sorted(set(own_words())), "in alphabetical order, each once"
