"""What book/README.md asks of a page: words and symbols, colors, captions, claims, length, legible type."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from built_site import ROOT, SITE, chapter_pages, toc_pages
from matplotlib.colors import is_color_like

from convcourse.plots import _colors

sys.path.insert(0, str(ROOT / "book" / "_ext"))
from standard import check, exceptions, problems
from words import strays

BOOK = ROOT / "book"
WORDS_IN_VIEW = 2300
SMALLEST_TYPE = 11  # pixels, as shown
SOURCES = sorted(path.stem for path in BOOK.glob("*.md") if path.name != "README.md")

HEAD = "# Title\n\n"


def cell(code: str, tag: str = "remove-cell", caption: str = "") -> str:
    """A code cell as a page writes it."""
    figure = f"mystnb:\n  figure:\n    name: fig-a\n    caption: {caption}\n" if caption else ""
    return f"\n```{{code-cell}} ipython3\n---\ntags: [{tag}]\n{figure}---\n{code}\n```\n"


KEPT = {
    "sentences": ["One sentence.\nAnother one, e.g. This.\n", "- An item.\n- Another; it goes on\n"],
    "claims": [
        "It has 208 numbers, or 2.5 % of it.\n" + cell("assert 8 * 26 == 208 and share == 0.025"),
        "It is larger.\n" + cell("assert a > b"),
        "% claim: everybody can count them\nThere are 208.\n",
        "It has {glue:text}`many` numbers, see chapter 10, and two of 3 × 3, since 1998.\n",
        "```{quiz} How many?\n- [ ] 208 -- No.\n- [x] 5 -- Yes.\n```\n",
    ],
    "words": ["One weight per pixel, next to the other.\n"],
    "width": [cell("x" * 90, "hide-input"), cell("x" * 72, "shown")],
    "captions": [cell("plots.show(fig, 'alt')", caption="What to see.")],
    "hidden": ["A word.\n" * 40 + cell("x = 1")],
}
BROKEN = {
    "sentences": ["One sentence. Another.\n", "A sentence that is\nbroken.\n"],
    "claims": [
        "It has 208 numbers.\n",
        "It has 7 % more.\n",
        "It is $20{,}001$.\n",
        "| size | 208 |\n",
        "It is larger.\n\n## Next\n" + cell("assert a > b"),
        "It is larger.\n" + cell("assert a == b"),
        "```{quiz} How many?\n- [ ] 5 -- No.\n- [x] 208 -- Yes.\n```\n",
        "It has 208 numbers.\n" + cell("x = 208"),
        cell("draw()", "hide-input", caption="It has 208 numbers."),
    ],
    "words": ["One weight a pixel.\n", "The kernel spans $D_{in}$ channels.\n", "Two class scores.\n"],
    "directives": ["```{quiz} What is `x`?\n- [ ] 5 -- No.\n- [x] 6 -- Yes.\n```\n"],
    "width": [cell("x" * 73, "shown")],
    "captions": [cell("plots.show(fig, 'alt')", "hide-input"), cell("plots.widget('a', {}, 'alt')", "shown")],
    "hidden": ["A word.\n" + cell("x = 1\n" * 40)],
}


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in BROKEN.items() for text in texts])
def test_a_page_that_breaks_a_rule_is_found(rule, text):
    assert rule in {found for found, _, _ in problems(HEAD + text)}


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in KEPT.items() for text in texts])
def test_a_page_that_keeps_a_rule_is_left_alone(rule, text):
    assert [what for found, _, what in problems(HEAD + text) if found == rule] == []


def test_a_problem_names_its_line():
    assert list(problems("# Title\n\nFine.\n\nIt has 208 numbers.\n")) == [
        ("claims", 5, "nothing asserts the number 208")
    ]


@pytest.mark.parametrize("name", SOURCES)
def test_every_page_keeps_the_standard_or_says_why_not(name):
    assert check(BOOK, name) == []


def test_an_exception_that_is_not_needed_is_found(tmp_path):
    (tmp_path / "page.md").write_text("# Title\n\nA sentence.\n", encoding="utf-8")
    (tmp_path / "exceptions.toml").write_text('[page]\nwords = "because"\n', encoding="utf-8")
    assert "keeps" in check(tmp_path, "page")[0][1]


def test_exceptions_name_pages_that_are_there_and_give_a_reason():
    listed = exceptions(BOOK)
    assert set(listed) <= set(SOURCES)
    assert all(len(reason) > 10 for rules in listed.values() for reason in rules.values())


SHARED = [
    *(BOOK / "widgets").glob("*.js"),
    *(ROOT / "convcourse" / "plots").glob("*.py"),
    *(ROOT / "solutions").glob("*/master.md"),
]


@pytest.mark.parametrize("path", SHARED, ids=lambda path: str(path.relative_to(ROOT)))
def test_widgets_plots_and_exercises_speak_as_the_pages_do(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [(number, what) for number, line in enumerate(lines, start=1) for what in strays(line)] == []


COLOR_ARGUMENTS = {"color", "c", "facecolor", "edgecolor", "colors", "edgecolors", "facecolors", "ecolor"}


@pytest.mark.parametrize(
    "path",
    [path for path in (ROOT / "convcourse" / "plots").glob("*.py") if path.name != "_colors.py"],
    ids=lambda path: path.name,
)
def test_plots_draw_with_the_named_colors_only(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    wrong = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and re.fullmatch(r"#[0-9a-fA-F]{3,8}", str(node.value)):
            wrong.append((node.lineno, node.value))
        if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
            value = node.value.value
            if node.arg in COLOR_ARGUMENTS and value != "none" and is_color_like(value):
                wrong.append((node.value.lineno, value))
            if node.arg == "cmap" and value != "gray":
                wrong.append((node.value.lineno, value))
    assert wrong == []


@pytest.mark.parametrize(
    "path", [*(BOOK / "widgets").glob("*.js"), BOOK / "_static/css/widgets.css"], ids=lambda path: path.name
)
def test_widgets_take_their_colors_from_the_style_sheet(path):
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"#[0-9a-f]{3,8}\b|\b(?:rgb|hsl)a?\([^)]*\)|light-dark\(", text)) <= {
        "#fff",
        "#000",
    }


def test_the_style_sheet_has_each_color_in_the_light_shade_of_the_drawings():
    base = (BOOK / "_static/css/base.css").read_text(encoding="utf-8")
    shades = dict(re.findall(r"(--[\w-]+): light-dark\((#\w{6}),", base))
    assert {name: shades.get(name) for name in _colors.PROPERTIES.values()} == {
        name: color for color, name in _colors.PROPERTIES.items()
    }


@pytest.mark.parametrize("path", toc_pages())
def test_drawings_on_the_page_use_no_other_color(visit, path):
    page = visit.open(path)
    styles = page.evaluate(
        """[...document.querySelectorAll("svg.cc-svg *")].map(node =>
             `${node.getAttribute("style")};fill:${node.getAttribute("fill")};stroke:${node.getAttribute("stroke")}`)"""
    )
    used = {color for style in styles for color in re.findall(r"(?:^|;)\s*(?:fill|stroke):\s*([^;]+)", style)}
    used.discard("null")
    allowed = {f"var({name},{color})" for color, name in _colors.PROPERTIES.items()}
    assert used <= allowed | {"none", "currentColor", _colors.ON_DARK, _colors.ON_LIGHT}


@pytest.mark.parametrize("path", toc_pages())
def test_every_figure_has_a_number_a_caption_and_a_named_fold(visit, path):
    page = visit.open(path)
    drawn = page.locator("article :is(.cc-figure, figure.cc-widget)")
    captions = page.locator("article figure[id] > figcaption .caption-number").all_inner_texts()
    assert len(captions) == drawn.count()
    chapter = re.match(r"book/0*(\d+[a-z]?)_", path)
    before = f"{chapter[1]}." if chapter else ""
    assert [text.strip() for text in captions] == [
        f"Figure {before}{number}" for number in range(1, len(captions) + 1)
    ]
    for text in page.locator("article figcaption .caption-text").all_inner_texts():
        assert len(text.split()) >= 4, text
    named = page.locator("article .cell:has(figure[id]) details.hide summary .collapsed").all_text_contents()
    assert [name for name in named if not re.search(r" of figure [\d.]+$", name)] == []


@pytest.mark.parametrize("path", chapter_pages() + toc_pages()[:1])
def test_a_page_has_at_most_2300_words_in_view(visit, path):
    page = visit.open(path)
    text = page.evaluate("""() => {
      const copy = document.querySelector("article").cloneNode(true);
      copy.querySelectorAll("pre, details, .exercise, .citation, .cc-widget, svg, script, .headerlink")
        .forEach(node => node.remove());
      return copy.textContent;
    }""")
    words = [word for word in text.split() if re.search(r"\w", word)]
    print(f"{path}: {len(words)} words")
    let_off = "length" in exceptions(BOOK).get(Path(path).stem, {})
    assert len(words) <= WORDS_IN_VIEW or let_off
    assert len(words) > WORDS_IN_VIEW or not let_off, "the exception is not needed"


@pytest.mark.parametrize("path", chapter_pages() + toc_pages()[:1])
def test_code_and_what_it_prints_fit_a_line(visit, path):
    page = visit.open(path)
    blocks = page.locator("article pre:visible").all_inner_texts()
    long = [line for block in blocks for line in block.splitlines() if len(line) > 72]
    assert long == [] or "width" in exceptions(BOOK).get(Path(path).stem, {})


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", chapter_pages() + toc_pages()[:1])
def test_type_in_drawings_is_legible_as_shown(new_visit, path, width):
    page = new_visit(viewport={"width": width, "height": 844}).open(path)
    small = page.evaluate(f"""[...document.querySelectorAll("article svg text")].map(node => {{
      const svg = node.ownerSVGElement;
      const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      return [parseFloat(getComputedStyle(node).fontSize) * scale, node.textContent];
    }}).filter(([size]) => size > 0 && size < {SMALLEST_TYPE} - 0.05)""")
    assert small == []


@pytest.mark.parametrize("path", toc_pages())
def test_a_block_that_scrolls_shows_it_at_its_edge(new_visit, path):
    page = new_visit(viewport={"width": 390, "height": 844}).open(path)
    bare = page.evaluate("""[...document.querySelectorAll("article *")].filter(node =>
      node.scrollWidth > node.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(node).overflowX) &&
      !getComputedStyle(node).backgroundAttachment.includes("local")
    ).map(node => node.outerHTML.slice(0, 90))""")
    assert bare == []


def test_old_addresses_lead_to_pages(site, visit):
    moved = tomllib.loads((BOOK / "redirects.toml").read_text(encoding="utf-8"))
    for old, new in moved.items():
        assert (SITE / f"{new}.html").is_file()
        page = visit.open(f"{old}.html")
        page.wait_for_url(f"**/{new}.html")
