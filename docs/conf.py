"""Sphinx's settings; ``python -m data_scripts.website`` calls it with the pages that it has put together."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

_about = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
_repository = _about["tool"]["sercourse"]["repository"]

project = "sercourse"
author = "The sercourse developers"
project_copyright = "text and figures CC BY 4.0, code MIT"
version = release = _about["project"]["version"]

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "data_scripts.website.mathml",
    "data_scripts.website.docstrings",
]
html_math_renderer = "mathml"

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
nb_execution_mode = "off"  # the outputs are those that the notebooks were stored with
nb_merge_streams = True
nb_render_markdown_format = "myst"
nb_ipywidgets_js = {}
suppress_warnings = ["mystnb.unknown_mime_type"]

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Source", "notes_style")]
add_module_names = False
toc_object_entries = False
python_display_short_literal_types = True

copybutton_exclude = ".linenos, .gp, .go"
linkcheck_anchors = False
linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_ignore = [rf"https://(github\.com|mybinder\.org|colab\.research\.google\.com)/.*{re.escape(_repository)}.*"]

html_theme = "furo"
html_title = "sercourse"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "source_repository": f"https://github.com/{_repository}/",
    "source_branch": "main",
    "top_of_page_buttons": [],
    "light_css_variables": {
        "font-stack": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif"
    },
}
