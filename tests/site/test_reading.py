"""What a reader does with a page: search, switch colors, open the menu, answer questions."""

import re

import pytest
from built_site import SITE, chapter_pages, toc_pages

PAGES = toc_pages()


@pytest.mark.parametrize("word", ["stride", "kernel"])
def test_search_finds_a_word_from_the_box_on_any_page(visit, word):
    page = visit.open(PAGES[0])
    page.keyboard.press("/")
    page.keyboard.type(word)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/search.html?q={word}")
    results = page.locator("#search-results li")
    results.first.wait_for()
    assert results.count() >= 1
    results.first.locator("a").first.click()
    assert re.search(word, page.locator("article").inner_text(), re.IGNORECASE)
    visit.check_quiet()


def test_search_works_from_a_file_and_shows_section_and_excerpt(new_visit):
    visit = new_visit()
    visit.site = SITE.as_uri() + "/"
    page = visit.open("search.html?q=stride")
    results = page.locator("#search-results li")
    results.first.wait_for()
    assert results.count() > 3
    assert "stride" in results.first.locator("a").inner_text().lower()
    assert all("#" in link.get_attribute("href") for link in results.locator("a").all())
    assert results.first.locator("mark").first.inner_text().lower().startswith("stride")
    visit.check_quiet()


def test_search_wants_every_word_and_goes_along_with_typing(visit):
    page = visit.open("search.html?q=stride")
    many = page.locator("#search-results li").count()
    page.locator(".search-page input").fill("stride dilation")
    both = page.locator("#search-results li")
    assert 0 < both.count() < many
    page.locator(".search-page input").fill("stride zzyzx")
    page.get_by_text("did not match").wait_for()


def test_search_for_nonsense_says_so(visit):
    page = visit.open("search.html?q=zzyzx")
    page.get_by_text("did not match").wait_for()


def test_theme_button_switches_and_is_remembered(new_visit):
    visit = new_visit(color_scheme="light")
    page = visit.open(PAGES[1])
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    button = page.get_by_role("button", name="Dark colors")
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    dark = page.evaluate(ground)
    assert dark != light and button.get_attribute("aria-pressed") == "true"
    visit.open(PAGES[0])
    assert page.evaluate(ground) == dark
    page.get_by_role("button", name="Dark colors").click()
    assert page.evaluate(ground) == light


def test_theme_follows_the_system_until_told_otherwise(new_visit):
    page = new_visit(color_scheme="dark").open(PAGES[0])
    assert page.get_by_role("button", name="Dark colors").get_attribute("aria-pressed") == "true"


def test_chapter_menu_opens_and_closes_on_a_phone(new_visit):
    page = new_visit(viewport={"width": 390, "height": 844}).open(PAGES[1])
    chapters = page.get_by_role("navigation", name="Chapters")
    assert not chapters.is_visible()
    page.get_by_role("button", name="Chapters").press("Enter")
    assert chapters.is_visible()
    page.keyboard.press("Escape")
    assert not chapters.is_visible()


def test_skip_link_is_the_first_stop(visit):
    page = visit.open(PAGES[1])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the text"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def quizzes(page):
    return page.locator(".quiz").all()


@pytest.mark.parametrize("path", chapter_pages())
def test_quizzes_answer_by_click(visit, path):
    page = visit.open(path)
    assert len(quizzes(page)) >= 3, "a chapter ends with at least three questions"
    for quiz in quizzes(page):
        reasons = [item.inner_text().strip() for item in quiz.locator(".reason").all()]
        wrong = quiz.locator("input:not([data-right])").first
        wrong.check()
        answer = quiz.locator(".quiz-answer")
        assert answer.inner_text().startswith("Not quite.")
        quiz.locator("input[data-right]").check()
        assert answer.inner_text().startswith("Right.")
        assert quiz.locator("details").is_visible()
        assert len(reasons) == quiz.locator("input").count()
    visit.check_quiet()


@pytest.mark.parametrize("path", chapter_pages())
def test_quizzes_answer_by_keyboard_and_only_when_asked(visit, path):
    page = visit.open(path)
    quiz = page.locator(".quiz").first
    inputs = quiz.locator("input")
    inputs.first.focus()
    page.keyboard.press("ArrowDown")
    answer = quiz.locator(".quiz-answer")
    assert answer.inner_text() == "", "an arrow key only moves"
    assert inputs.nth(1).is_checked()
    page.keyboard.press("Enter")
    right = inputs.nth(1).get_attribute("data-right") is not None
    assert answer.inner_text().startswith("Right." if right else "Not quite.")
    page.keyboard.press("ArrowUp")
    page.keyboard.press(" ")
    right = inputs.first.get_attribute("data-right") is not None
    assert answer.inner_text().startswith("Right." if right else "Not quite.")


@pytest.mark.parametrize("path", chapter_pages())
def test_quizzes_can_be_read_without_javascript(new_visit, path):
    page = new_visit(java_script_enabled=False).open(path)
    details = page.locator(".quiz-reasons").first
    details.locator("summary").click()
    assert details.locator("li.right").is_visible()


def test_code_can_be_copied(new_visit):
    visit = new_visit(permissions=["clipboard-read", "clipboard-write"])
    page = visit.open(PAGES[0])
    block = page.locator(".cell_input div.highlight:visible").first
    block.hover()
    block.get_by_role("button", name="Copy").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == block.locator("pre").inner_text().strip()


def test_print_leaves_the_frame_away(visit):
    page = visit.open(PAGES[1])
    page.emulate_media(media="print")
    assert not page.locator("header.top").is_visible()
    assert page.locator("h1").is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".quiz-reasons li.right").first.is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not page.locator(".quiz-reasons").first.is_visible()


def test_a_term_says_what_it_means_under_the_pointer(visit):
    page = visit.open("book/glossary.html")
    link = page.locator("dd a", has_text="kernel").first
    assert link.get_attribute("title").startswith("A small array of weights")
