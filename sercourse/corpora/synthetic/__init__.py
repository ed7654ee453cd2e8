"""The default corpus: synthetic emotional speech by espeak-ng, made on the spot.

Ten speakers of two genders and five languages say everyday sentences in seven emotions, by published rules of
prosody (:mod:`~sercourse.corpora.synthetic.rules`). The same seed gives the same bytes. It carries every label that
the course needs, offline. It is a teaching aid: no claim about emotion is made on it.

>>> from sercourse.corpora import synthetic
>>> synthetic.make(Path("synthetic"))  # doctest: +SKIP
>>> table = synthetic.load(Path("synthetic"))  # doctest: +SKIP
"""

from sercourse.corpora.synthetic.build import UTTERANCES, make
from sercourse.corpora.synthetic.stored import RECIPE, is_intact, load

__all__ = ["RECIPE", "UTTERANCES", "is_intact", "load", "make"]
