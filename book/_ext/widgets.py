"""Ships the interactive figures: finds which ones a page shows and links their scripts, and no others.

The sources in book/widgets are ES modules. Browsers refuse to load modules from file://, and the course is to
be read offline by opening a file, so each module is written out as a plain script that shares one global,
`convcourse`. Only the two forms the sources use are understood: `import { a, b } from "./lib.js";` and
`export function|const NAME`.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

IMPORT = re.compile(r'^import \{(?P<names>[^}]+)\} from "\./lib\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const) (?P<name>\w+))", re.MULTILINE)
PLACED = re.compile(r'data-widget="(\w+)"')


def to_script(name: str, source: str) -> str:
    """The module `name` as a plain script; its exports become the object `convcourse.NAME`.

    >>> print(to_script("dot", 'export const mount = () => 1;'), end="")
    (() => {
    "use strict";
    const mount = () => 1;
    window.convcourse.dot = { mount };
    })();
    """
    exports = [match["name"] for match in EXPORT.finditer(source)]
    source = IMPORT.sub(lambda match: f"const {{{match['names']}}} = window.convcourse.lib;\n", source)
    source = EXPORT.sub("", source)
    if re.search(r"^(import|export)\b", source, re.MULTILINE):
        raise ExtensionError(
            f"book/widgets/{name}.js has an import or export of a form that widgets.py does not know"
        )
    head = "window.convcourse = window.convcourse || {};\n" if name == "lib" else ""
    names = ", ".join(exports)
    body = f'"use strict";\n{source.rstrip()}\nwindow.convcourse.{name} = {{ {names} }};\n'
    return f"{head}(() => {{\n{body}}})();\n"


def sources(app: Sphinx) -> dict[str, Path]:
    """The modules by name."""
    return {path.stem: path for path in sorted((Path(app.srcdir) / "book" / "widgets").glob("*.js"))}


def link_scripts(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Tell the page's template which widgets it shows."""
    names = list(dict.fromkeys(PLACED.findall(context.get("body", ""))))
    unknown = [name for name in names if name not in sources(app)]
    if unknown:
        raise ExtensionError(
            f"{pagename} asks for the widget {unknown[0]}, but book/widgets/{unknown[0]}.js is missing"
        )
    context["widgets"] = names


def write_scripts(app: Sphinx, exception: Exception | None) -> None:
    """Write the plain scripts."""
    if exception or app.builder.name != "html":
        return
    target = Path(app.outdir) / "_static" / "widgets"
    target.mkdir(parents=True, exist_ok=True)
    for name, path in sources(app).items():
        (target / path.name).write_text(to_script(name, path.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Connect the two steps."""
    app.connect("html-page-context", link_scripts)
    app.connect("build-finished", write_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
