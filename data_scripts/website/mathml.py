"""A Sphinx extension: formulas become MathML when the site is built, so that a reader needs no script and no network.

Docutils has the translator; every browser of these years draws MathML itself.
"""

from __future__ import annotations

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

LOGGER = logging.getLogger(__name__)


def mathml(formula: str, *, block: bool) -> str:
    """A LaTeX formula as ``<math>``.

    Args:
        formula: without dollars.
        block: on a line of its own.

    Raises:
        MathError: a command that the translator does not know.
    """
    return tex2mathml(" ".join(formula.split()), as_block=block)


def _inline(translator: HTML5Translator, node: nodes.math) -> None:
    _write(translator, node, block=False)


def _block(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append("<div class='formula'>")
    _write(translator, node, block=True, end="</div>\n")


def _write(translator: HTML5Translator, node: nodes.Element, *, block: bool, end: str = "") -> None:
    try:
        translator.body.append(mathml(node.astext(), block=block) + end)
    except MathError as error:
        LOGGER.warning("formula %r: %s", node.astext(), error, location=node)
        translator.body.append(f"<code>{translator.encode(node.astext())}</code>{end}")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict:
    """Make MathML the way of HTML."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
