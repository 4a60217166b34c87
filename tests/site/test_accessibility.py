"""axe-core finds nothing serious on any page, in light and in dark, on a desk and on a phone."""

from importlib.resources import files

import pytest
from built_site import toc_pages

AXE = files("axe_playwright_python") / "axe.min.js"
SCREENS = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", [*toc_pages(), "search.html"])
def test_axe_finds_nothing_serious(new_visit, path, theme, screen):
    page = new_visit(color_scheme=theme, reduced_motion="reduce", viewport=SCREENS[screen]).open(path)
    page.evaluate("document.querySelectorAll('details').forEach(box => { box.open = true; })")
    page.wait_for_timeout(200)
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    serious = [
        (rule["id"], rule["help"], [node["html"][:140] for node in rule["nodes"][:3]])
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
    assert serious == []
