"""axe-core finds nothing on any page, in light and in dark, on a run and on a phone.

Colors are what changes from light to dark, and sizes from run to phone; to look at every letter's contrast
takes most of the time. So of a chapter each is asked where it can differ, and of the small pages all of it.
"""

import os
from importlib.resources import files
from pathlib import Path

import pytest
from built_site import toc_pages

# The axe-core that the Python package carries, or a newer one.
AXE = Path(os.environ.get("CONVCOURSE_AXE", str(files("axe_playwright_python") / "axe.min.js")))
SCREENS = {"run": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
EVERYTHING = {}
CONTRAST = {"runOnly": ["color-contrast"]}
ALL_BUT_CONTRAST = {"rules": {"color-contrast": {"enabled": False}}}
SMALL = ["book/index.html", "search.html"]
VIEWS = [
    (path, theme, screen, rules)
    for path in [*toc_pages(), "search.html"]
    for theme, screen, rules in (
        ("light", "run", EVERYTHING),
        ("dark", "run", EVERYTHING if path in SMALL else CONTRAST),
        ("light", "phone", EVERYTHING if path in SMALL else ALL_BUT_CONTRAST),
        ("dark", "phone", EVERYTHING if path in SMALL else None),
    )
    if rules is not None
]


@pytest.mark.parametrize(
    ("path", "theme", "screen", "rules"), VIEWS, ids=["-".join(view[:3]) for view in VIEWS]
)
def test_axe_finds_nothing(new_visit, path, theme, screen, rules):
    page = new_visit(color_scheme=theme, reduced_motion="reduce", viewport=SCREENS[screen]).open(path)
    page.evaluate("document.querySelectorAll('details').forEach(box => { box.open = true; })")
    page.wait_for_timeout(200)
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    found = page.evaluate("rules => axe.run(document, { resultTypes: ['violations'], ...rules })", rules)
    assert found["passes"]  # something was looked at
    assert [
        (rule["id"], rule["impact"], rule["help"], [node["html"][:140] for node in rule["nodes"][:3]])
        for rule in found["violations"]
    ] == []
