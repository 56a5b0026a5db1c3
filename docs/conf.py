"""The site of the documentation: Sphinx builds it from these pages and from the docstrings.

Nothing is fetched while the site is built, and the built pages fetch nothing: theme, fonts, icons and search
come from the installed packages.
"""

from __future__ import annotations

import builtins
import collections.abc
import typing
from importlib.metadata import version as installed
from typing import TYPE_CHECKING, Any

import imgplay_widget.errors
import imgplay_widget.providers
import imgplay_widget.testing

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

project = "imgplay-widget"
author = "the authors of imgplay-widget"
version = release = installed("imgplay-widget")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build"]
nitpicky = True
default_role = "py:obj"

# ------------------------------------------------------------------ pages

# Links to headings are written as a repository viewer writes them.
myst_heading_anchors = 4

# ------------------------------------------------------------------ docstrings

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_default_options = {"exclude-members": "__init__, __new__"}
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

# ------------------------------------------------------------------ looks

html_theme = "furo"
html_title = "imgplay-widget"
html_show_sourcelink = False
html_copy_source = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#4f46e5", "color-brand-content": "#4338ca"},
    "dark_css_variables": {"color-brand-primary": "#a5b4fc", "color-brand-content": "#a5b4fc"},
}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
copybutton_exclude = ".linenos, .gp, .go"

# ------------------------------------------------------------------ names in docstrings

HOMES = {
    name: f"{module.__name__}.{name}"
    for module in (imgplay_widget.testing, imgplay_widget.errors, imgplay_widget.providers, imgplay_widget)
    for name in module.__all__
}
"""The full name of each public name. A name of two modules belongs to the later one of this list."""

SHARED_CALLS = {f"ImagePlayground.{name}" for name in dir(imgplay_widget.Studio) if not name.startswith("_")}
"""The calls that the reference has once, under `Studio`."""

STANDARD = {*dir(builtins), *typing.__all__, *collections.abc.__all__, "Decimal", "Path", "date", "datetime"}
"""Names of the standard library, to which no link can lead while nothing is fetched."""

UNLINKED = {
    *("AsyncClient", "EntryPoint", "Image", "PathLike", "Timeout"),
    *(
        "Body",
        "Called",
        "Client",
        "Clock",
        "Download",
        "E",
        "Format",
        "Images",
        "JSON",
        "KeyState",
        "Mode",
        "NDArray",
        "ReferenceLike",
        "Resolve",
        "uint8",
    ),
}
"""Types of signatures that have no description of their own, of other packages and private ones."""


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.TextElement) -> Any:
    """Return the link for a name that Sphinx does not find, or the bare name where there is no page for it.

    A docstring writes `BatchHandle`, `Studio.models` or `budget` in any module, and a signature the name of a
    type. None makes Sphinx warn: the name is a slip, or a sentence that was read as the name of a type.
    """
    from sphinx.util.nodes import make_refnode

    if node.get("refdomain") != "py":
        return None
    target: str = node["reftarget"]
    domain = env.domains.python_domain
    for full in candidates(target, node.get("py:class")):
        if full in domain.objects:
            found = domain.objects[full]
            return make_refnode(app.builder, node["refdoc"], found.docname, found.node_id, text)
    last = target.partition("[")[0].rpartition(".")[2]
    # In backticks, a docstring also writes arguments, fields and constants.
    plain = node["reftype"] == "obj" and (last.islower() or last.isupper())
    return text if plain or last in STANDARD | UNLINKED else None


def candidates(target: str, owner: str | None) -> list[str]:
    """Return the full names that a short name may stand for, the likeliest first."""
    short = target.removeprefix("imgplay_widget.").rpartition("_studio.")[2]
    short = short.replace("ImagePlayground.", "Studio.") if short in SHARED_CALLS else short
    first, _, rest = short.partition(".")
    names = [f"{HOMES[first]}.{rest}".rstrip(".")] if first in HOMES else []
    last = target.rpartition(".")[2]
    if last in HOMES:
        names.append(HOMES[last])
    if owner:
        names.append(f"imgplay_widget.{owner}.{target}")
    # These are described under their private homes, because autodoc finds their docstrings only there.
    names += [f"imgplay_widget.{home}.{last}" for home in ("_types", "providers.base", "_studio.options")]
    return [*names, f"imgplay_widget.Studio.{target}", f"imgplay_widget.ImagePlayground.{target}"]


def setup(app: Sphinx) -> None:
    """Register the search for names."""
    app.connect("missing-reference", resolve)
