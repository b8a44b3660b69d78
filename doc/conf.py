"""Sphinx configuration."""

import sys
from pathlib import Path

root = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(root), str(root / "doc" / "_ext")]

import skregopt  # noqa: E402

project = "skregopt"
author = "The skregopt developers"
copyright = author
version = release = skregopt.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx-mathjax-offline",  # formulas without the network
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "portfolio_table",
    "registry_table",
    "words_table",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
default_role = "code"
smartquotes_action = "De"  # quotes stay straight: most of them stand around values such as 'adam'

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

sphinx_gallery_conf = {
    "examples_dirs": str(root / "examples"),
    "gallery_dirs": "auto_examples",
    "backreferences_dir": None,
    "within_subsection_order": "lesson_order.LessonOrder",
    "show_memory": False,
    "write_computation_times": False,  # its page loads scripts from the network
}

# Docstrings inherited from scikit-learn refer to labels and to the glossary of its own documentation.
suppress_warnings = ["ref.ref", "ref.term"]

# pages that need the room of the second sidebar for their code, or for a wide table
_wide = [f"auto_examples/{path.stem}" for path in (root / "examples").glob("*.py")]
_wide.append("migrating/boosted_trees")
html_theme = "pydata_sphinx_theme"
html_title = "skregopt"
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 5,
    "navbar_persistent": ["search-button"],  # the field does not fit beside the links
    "secondary_sidebar_items": {"**": ["page-toc"]} | {page: [] for page in _wide},
}
html_static_path = ["_static"]
html_css_files = ["room.css"]
# pages of the top level that have none below them
_single = ["getting_started", "tuning", "performance", "differences", "extending", "contributing", "changes"]
html_sidebars = {page: [] for page in _single}
html_show_sourcelink = False
