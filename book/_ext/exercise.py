"""The `{exercise} SLUG` directive: the box at a chapter's end that leads to its notebook.

Titles, points and addresses come from solutions/course.toml. The notebook itself is copied into the site, so
that the download works wherever the site stands, offline too.
"""

import shutil
import tomllib
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

log = logging.getLogger(__name__)

BOX = """\
<aside class="exercise" aria-labelledby="exercise-{slug}">
<h2 id="exercise-{slug}" class="exercise-title">Exercise: {title}</h2>
<p>{points} points in a notebook. Public tests answer while you work; hidden tests grade what you hand in.</p>
<p class="exercise-links">
<a class="button" href="{download}" download="{slug}.ipynb">Download the notebook</a>
<a class="button quiet" href="{colab}" rel="noopener">Open in Colab</a></p>
<details><summary>How to hand in</summary><ol>
<li>Answer the questions in order. The check after each one tells you what is wrong, and you may try as often
as you like.</li>
<li>Run the notebook from top to bottom once more: restart the kernel, then run all cells.</li>
<li>The last cell, <code>grader.submit()</code>, writes <code>{slug}.zip</code> and prints what is in
it{artifacts}.</li>
<li>Hand in that one file where your instructor collects it. The hidden tests run there.</li>
</ol></details>
</aside>
"""


class ExerciseBox(nodes.Element):
    """The box of one exercise; `slug` names it."""


class ExerciseDirective(SphinxDirective):
    """```` ```{exercise} 04_stride_and_padding ````"""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Look the slug up in the manifest."""
        slug = self.arguments[0]
        self.env.note_dependency(str(manifest(self.env.app)))
        known = [row["slug"] for row in read_course(self.env.app)["exercise"]]
        if slug not in known:
            raise self.error(f"no exercise is called {slug!r}; solutions/course.toml has: {', '.join(known)}")
        return [ExerciseBox(slug=slug)]


def manifest(app: Sphinx) -> Path:
    """The file that lists the exercises."""
    return Path(app.srcdir) / "solutions" / "course.toml"


def read_course(app: Sphinx) -> dict:
    """The manifest as it is in the file."""
    return tomllib.loads(manifest(app).read_text(encoding="utf-8"))


def colab_address(course: dict, slug: str) -> str:
    """Where Colab opens an exercise's notebook: straight from the repository that the manifest names.

    >>> colab_address({"course": {"repository": "https://github.com/a/b", "branch": "main"}}, "01_x")
    'https://colab.research.google.com/github/a/b/blob/main/exercises/01_x.ipynb'
    """
    head = course["course"]
    repository = head["repository"].removeprefix("https://github.com/").rstrip("/")
    return (
        f"https://colab.research.google.com/github/{repository}/blob/{head['branch']}/exercises/{slug}.ipynb"
    )


def visit_exercise(translator, node: ExerciseBox) -> None:
    """Fill the box in."""
    app = translator.builder.app
    course = read_course(app)
    row = next(row for row in course["exercise"] if row["slug"] == node["slug"])
    artifacts = row.get("artifacts", [])
    named = " and ".join(f"<code>{escape(name)}</code>" for name in artifacts)
    up = "../" * translator.builder.current_docname.count("/")
    translator.body.append(
        BOX.format(
            slug=escape(row["slug"]),
            title=escape(row["title"]),
            points=f"{row['points']:g}",
            download=f"{up}exercises/{row['slug']}.ipynb",
            colab=colab_address(course, row["slug"]),
            artifacts=f"; {named} must be among it" if artifacts else "",
        )
    )
    raise nodes.SkipNode


def copy_notebooks(app: Sphinx, exception: Exception | None) -> None:
    """Put the notebooks that pages link next to the pages."""
    if exception or app.builder.name != "html":
        return
    target = Path(app.outdir) / "exercises"
    target.mkdir(parents=True, exist_ok=True)
    for row in read_course(app)["exercise"]:
        notebook = Path(app.srcdir) / "exercises" / f"{row['slug']}.ipynb"
        if notebook.exists():
            shutil.copyfile(notebook, target / notebook.name)
        else:
            log.warning("exercises/%s is missing; `autograder build` writes it", notebook.name)


def setup(app: Sphinx) -> dict:
    """Register the directive and the copying."""
    app.add_directive("exercise", ExerciseDirective)
    app.add_node(ExerciseBox, html=(visit_exercise, None))
    app.connect("build-finished", copy_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
