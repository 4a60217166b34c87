"""Ships the interactive figures: finds which ones a page shows and links their scripts, and no others.

The sources in book/widgets are ES modules. Browsers refuse to load modules from file://, and the course is to
be read offline by opening a file, so each module is written out as a plain script that shares one global,
`convcourse`. Only the two forms the sources use are understood: `import { a, b } from "./MODULE.js";` and
`export function|const NAME`. A page links what its widgets import too, each module before those that need it.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

IMPORT = re.compile(
    r'^import \{(?P<names>[^}]+)\} from "\.{1,2}/(?:\w+/)?(?P<module>\w+)\.js";\n', re.MULTILINE
)
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
    source = IMPORT.sub(r"const {\g<names>} = window.convcourse.\g<module>;\n", source)
    source = EXPORT.sub("", source)
    if re.search(r"^(import|export)\b", source, re.MULTILINE):
        raise ExtensionError(
            f"book/widgets/{name}.js has an import or export of a form that widgets.py does not know"
        )
    head = "window.convcourse = window.convcourse || {};\n" if name == "lib" else ""
    names = ", ".join(exports)
    body = f'"use strict";\n{source.rstrip()}\nwindow.convcourse.{name} = {{ {names} }};\n'
    return f"{head}(() => {{\n{body}}})();\n"


def sources(folder: Path) -> dict[str, Path]:
    """The modules of book/widgets by name; those in a folder of their own, as the networks are, too."""
    return {path.stem: path for path in sorted(folder.glob("**/*.js"))}


def in_order(names: list[str], modules: dict[str, Path]) -> list[str]:
    """These modules and all that they import, each after what it imports; "lib" always comes first."""
    order = ["lib"]

    def add(name: str) -> None:
        if name not in modules:
            raise ExtensionError(f"book/widgets/{name}.js is missing")
        for match in IMPORT.finditer(modules[name].read_text(encoding="utf-8")):
            if match["module"] not in order:
                add(match["module"])
        if name not in order:
            order.append(name)

    for name in names:
        add(name)
    return order


def link_scripts(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Tell the page's template which scripts its widgets need."""
    names = list(dict.fromkeys(PLACED.findall(context.get("body", ""))))
    try:
        context["widgets"] = in_order(names, sources(folder(app))) if names else []
    except ExtensionError as error:
        raise ExtensionError(f"{pagename} shows the widgets {', '.join(names)}: {error}") from error


def folder(app: Sphinx) -> Path:
    """Where the modules lie."""
    return Path(app.srcdir) / "book" / "widgets"


def write_scripts(app: Sphinx, exception: Exception | None) -> None:
    """Write the plain scripts."""
    if exception or app.builder.name != "html":
        return
    target = Path(app.outdir) / "_static" / "widgets"
    target.mkdir(parents=True, exist_ok=True)
    for name, path in sources(folder(app)).items():
        (target / path.name).write_text(to_script(name, path.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Connect the two steps."""
    app.connect("html-page-context", link_scripts)
    app.connect("build-finished", write_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
