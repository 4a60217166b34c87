"""The page of what students import: written into book/api.md at build, from the docstrings of `convcourse`.

The source is read, not imported, so it costs no time. What a docstring shows after `>>>` is run by the tests.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx

PAGE = "book/api"
# In the order in which a student meets them. `plots` draws the chapters' own figures, so it is not here.
MODULES = (
    "arithmetic",
    "filters",
    "convolution",
    "data",
    "training",
    "export",
    "checks",
    "submit",
    "capsules",
    "cifar",
    "mlp",
    "experiments",
)
WIDTH = 76  # columns of a code block that a narrow page shows without scrolling
Definition = ast.FunctionDef | ast.ClassDef


def add_api(app: Sphinx, docname: str, source: list[str]) -> None:
    """Append every module to the page's own text."""
    if docname == PAGE:
        folder = Path(app.srcdir) / "convcourse"
        source[0] += "\n" + "\n".join(line for name in MODULES for line in module_lines(folder, name)) + "\n"


def module_lines(folder: Path, name: str) -> Iterator[str]:
    """The Markdown of one module: what it is for, then everything public in it."""
    path = folder / f"{name}.py"
    tree = ast.parse((path if path.is_file() else folder / name / "__init__.py").read_text(encoding="utf-8"))
    about = (ast.get_docstring(tree) or "").split("\n\n")[0]
    yield from (f"## convcourse.{name}", "", *body_lines(about), "")
    for definition in definitions(folder.parent, tree):
        yield from (f"### {definition.name}", "", "```python", *signature_lines(definition), "```", "")
        yield from body_lines(ast.get_docstring(definition) or "")
        yield ""


def definitions(root: Path, tree: ast.Module) -> Iterator[Definition]:
    """The public functions and classes of a module, and those that its `__all__` hands on."""
    public = handed_on(tree)
    for node in tree.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("convcourse."):
            wanted = {alias.name for alias in node.names} & public
            if wanted:
                path = root / f"{(node.module or '').replace('.', '/')}.py"
                inner = ast.parse(path.read_text(encoding="utf-8"))
                yield from (one for one in inner.body if isinstance(one, Definition) and one.name in wanted)


def handed_on(tree: ast.Module) -> set[str]:
    """What a module lists in `__all__`; nothing where it has none."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def signature_lines(definition: Definition) -> list[str]:
    """How it is called: on one line where it fits, else with an argument per line.

    >>> signature_lines(ast.parse("def f(a: int, b: int = 1) -> int: ...").body[0])
    ['f(a: int, b: int=1) -> int']
    """
    call: Definition | None = definition
    if isinstance(definition, ast.ClassDef):
        methods = [node for node in definition.body if isinstance(node, ast.FunctionDef)]
        call = next((method for method in methods if method.name == "__init__"), None)
        if call is None:
            fields = [ast.unparse(node) for node in definition.body if isinstance(node, ast.AnnAssign)]
            return _fold(definition.name, fields, "")
    assert isinstance(call, ast.FunctionDef)
    arguments = [part for part in _arguments(call.args) if part != "self"]
    returns = f" -> {ast.unparse(call.returns)}" if call.returns and call is definition else ""
    return _fold(definition.name, arguments, returns.replace("'", ""))


def _arguments(arguments: ast.arguments) -> list[str]:
    """Each argument as it is written, by way of a parser that knows where the commas between them are."""
    text = ast.unparse(arguments)
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _fold(name: str, arguments: list[str], returns: str) -> list[str]:
    line = f"{name}({', '.join(arguments)}){returns}"
    if len(line) <= WIDTH:
        return [line]
    return [f"{name}(", *(f"    {argument}," for argument in arguments), f"){returns}"]


def body_lines(docstring: str) -> Iterator[str]:
    """A docstring as Markdown: its worked cases become code blocks, links to files their plain names.

    >>> list(body_lines("Add.\\n\\n>>> 1 + 1\\n2"))
    ['Add.', '', '```pycon', '>>> 1 + 1', '2', '```']
    """
    inside = False
    for line in docstring.splitlines():
        if line.startswith(">>>") and not inside:
            inside = True
            yield "```pycon"
        elif inside and not line.strip():
            inside = False
            yield "```"
        yield line if inside else re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", line)
    if inside:
        yield "```"


def setup(app: Sphinx) -> dict:
    """Fill the page in, anew in every build: no file of its own changes with the docstrings."""
    app.connect("source-read", add_api)
    app.connect(
        "env-get-outdated", lambda app, env, added, changed, removed: [PAGE] if PAGE in env.found_docs else []
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
