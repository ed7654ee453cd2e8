"""What was said, by whom, with which emotion: one table for every corpus.

>>> from sercourse import corpora
>>> corpora.names()[:3]
['synthetic', 'matrix', 'tongues']
"""

from sercourse.corpora.cards import Card, card
from sercourse.corpora.corpus_names import base_name, parts
from sercourse.corpora.layout import CorpusWarning
from sercourse.corpora.registry import CorpusState, inspect, load, locate, names

__all__ = ["Card", "CorpusState", "CorpusWarning", "base_name", "card", "inspect", "load", "locate", "names", "parts"]
