"""What holds for every page of the site."""

import functools
import gzip
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from built_site import SITE, exercise_pages, toc_pages

PAGES = toc_pages()
ALL_PAGES = [*PAGES, "search.html"]
LIMIT_BYTES = 600 * 1024
THEME_LIMIT_BYTES = 150 * 1024


class _Reader(HTMLParser):
    """Collects ids and links of a page."""

    def __init__(self, path: str):
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.feed((SITE / path).read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if named.get("id"):
            assert named["id"] not in self.ids, f"the id {named['id']} stands twice"
            self.ids.add(named["id"])
        for key in ("href", "src"):
            if named.get(key):
                self.links.append(named[key])


@functools.cache
def read(path: str) -> _Reader:
    """The ids and links of a page, parsed once."""
    return _Reader(path)


def test_every_page_of_the_contents_is_built():
    assert len(PAGES) > 1
    assert [path for path in PAGES if not (SITE / path).exists()] == []


@pytest.mark.parametrize("path", ALL_PAGES)
def test_page_asks_nothing_of_others_and_nothing_goes_wrong(visit, path):
    page = visit.open(path)
    page.keyboard.press("End")
    page.wait_for_timeout(300)
    visit.check_quiet()


@pytest.mark.parametrize("path", PAGES)
def test_page_weighs_at_most_600_kib_compressed(visit, path):
    visit.open(path)
    weights = {url: min(len(body), len(gzip.compress(body))) for url, body in visit.bodies().items()}
    assert len(weights) > 5, "the page, its styles, its script and its fonts must have been counted"
    total = sum(weights.values())
    heaviest = sorted(weights.items(), key=lambda item: -item[1])[:4]
    print(f"{path}: {total / 1024:.0f} KiB")
    assert total <= LIMIT_BYTES, f"{total} bytes; heaviest: {heaviest}"
    shell = sum(size for url, size in weights.items() if "/_static/" in url and "/widgets/" not in url)
    assert shell <= THEME_LIMIT_BYTES, f"the shell alone weighs {shell} bytes"


@pytest.mark.parametrize("path", ALL_PAGES)
def test_head_describes_the_page(visit, path):
    page = visit.open(path)
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").count() == 1
    description = page.locator('meta[name="description"]')
    assert description.count() == 1
    assert 20 <= len(description.get_attribute("content")) <= 200
    assert page.title()


@pytest.mark.parametrize("path", PAGES)
def test_every_picture_is_described(visit, path):
    page = visit.open(path)
    undescribed = page.evaluate("""() => {
      const all = (selector) => [...document.querySelectorAll(selector)];
      return [
        ...all("img").filter(image => !image.alt.trim()),
        ...all("svg[role=img], figure.cc-widget").filter(node => !node.getAttribute("aria-label")?.trim()),
        ...all("article svg:not([role=img]):not([aria-hidden=true])"),
      ].map(node => node.outerHTML.slice(0, 120));
    }""")
    assert undescribed == []


@pytest.mark.parametrize("path", [*ALL_PAGES, "index.html"])
def test_internal_links_and_anchors_resolve(path):
    broken = []
    for link in read(path).links:
        if re.match(r"(https?|mailto|data):", link):
            continue
        target, anchor = urldefrag(urljoin("http://site/" + path, link))
        file = unquote(target.removeprefix("http://site/"))
        if not (SITE / file).is_file() or (anchor and unquote(anchor) not in read(file).ids):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("path", PAGES)
def test_mathematics_is_mathml_and_no_formula_is_left_raw(visit, path):
    page = visit.open(path)
    text = page.locator("article").inner_text()
    raw = re.findall(
        r"\$[^$\n]{1,60}\$|\\(?:frac|sum|times|lfloor|begin|mathrm|text)\b", re.sub(r"```.*?```", "", text)
    )
    in_code = page.evaluate(
        "[...document.querySelectorAll('pre, code')].map(node => node.innerText).join('\\n')"
    )
    assert [formula for formula in raw if formula not in in_code] == []
    assert page.locator("math merror, script[type^='math/tex']").count() == 0
    assert page.locator("math").count() == page.locator("math:has(*)").count()


@pytest.mark.parametrize("path", PAGES)
def test_no_directive_is_shown_raw(path):
    """A fence that is not taken for a directive ends up as text: backticks in a quiz's title are enough."""
    article = re.search(r"<article>.*</article>", (SITE / path).read_text(encoding="utf-8"), re.DOTALL)[0]
    assert re.findall(r"```.?\{?\w*|\[x\].{0,40}|:::\S*", article) == []


@pytest.mark.parametrize("path", ALL_PAGES)
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_scrolls_sideways(new_visit, path, width):
    page = new_visit(viewport={"width": width, "height": 844}).open(path)
    wide = page.evaluate("document.documentElement.scrollWidth")
    culprits = page.evaluate(f"""[...document.querySelectorAll("article *")]
      .filter(node => node.getBoundingClientRect().right > {width} + 1)
      .filter(node => !node.closest(".scroll, pre, .output"))
      .slice(0, 5).map(node => node.outerHTML.slice(0, 90))""")
    assert wide <= width, f"{wide} px wide; {culprits}"


@pytest.mark.parametrize("path", PAGES)
def test_page_works_from_a_file(new_visit, path):
    visit = new_visit()
    visit.site = SITE.as_uri() + "/"
    page = visit.open(path)
    visit.check_quiet()
    assert page.locator("figure.cc-widget").count() == page.locator("figure.cc-widget.mounted").count()


def test_the_front_door_leads_to_the_course(visit):
    page = visit.open("")
    page.wait_for_url("**/book/index.html")
    assert page.locator("nav.chapters a").count() == len(PAGES)


@pytest.mark.parametrize("path", exercise_pages())
def test_chapter_hands_out_its_exercise(visit, path):
    page = visit.open(path)
    slug = path.removeprefix("book/").removesuffix(".html")
    box = page.locator("aside.exercise")
    assert box.count() == 1
    download = box.get_by_role("link", name="Download the notebook")
    assert download.get_attribute("href") == f"../exercises/{slug}.ipynb"
    response = page.request.get(visit.site + f"exercises/{slug}.ipynb")
    assert response.ok and response.json()["nbformat"] == 4
    colab = box.get_by_role("link", name="Open in Colab").get_attribute("href")
    assert colab.startswith("https://colab.research.google.com/github/") and colab.endswith(
        f"/exercises/{slug}.ipynb"
    )
