"""Sphinx configuration: Markdown pages, API pages generated from the packages' re-exports, warnings as errors."""

import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent / "src" / "limbeck"
sys.path.insert(0, str(HERE))

from _api_pages import write_api_pages  # noqa: E402 - docs/ is no package
from _option_pages import write_option_pages  # noqa: E402 - the same

project = "limbeck"
author = "The limbeck authors"
project_copyright = "2026, The limbeck authors"
version = release = installed_version("limbeck")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "reference/_*.md"]  # the second are included in other pages
html_theme = "furo"
html_title = "limbeck"
default_role = "code"  # `name` in a docstring is code, as in Markdown

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
maximum_signature_line_length = 80
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes are listed once, from the docstring
napoleon_use_rtype = False
napoleon_attr_annotations = False  # the signature shows them; axis names such as *batch would read as emphasis

# Characters that are markup in reStructuredText and formulas in our docstrings, outside `code`.
_MARKUP = re.compile(r"(`[^`]*`)|([*|])|(?<=\w)(_)(?=\W|$)")


def _escape(line):
    if line.lstrip().startswith((">>>", "...")):
        return line
    return _MARKUP.sub(lambda m: m.group(1) or "\\" + (m.group(2) or m.group(3)), line)


def _plain_text(app, what, name, obj, options, lines):
    """Docstrings are prose with `code` in them; everything else in them means itself."""
    lines[:] = [] if what == "data" else [_escape(line) for line in lines]  # a constant has only its type's docstring


def _skip_fields(app, what, name, obj, skip, options):
    """Fields stand in the class's own list of attributes already."""
    is_member = callable(obj) or isinstance(obj, property | classmethod | staticmethod)
    return True if what == "class" and not is_member else None


def setup(app):
    """Generate the API pages and soften docstrings before napoleon (priority 500) reads them."""
    app.connect("builder-inited", lambda app: write_api_pages(SOURCE, HERE / "reference" / "api"))
    app.connect("builder-inited", lambda app: write_option_pages(HERE / "reference"))
    app.connect("autodoc-process-docstring", _plain_text, priority=400)
    app.connect("autodoc-skip-member", _skip_fields)
