"""Where the built site lies and which pages it should have."""

import os
import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(os.environ.get("CONVCOURSE_SITE", ROOT / "_build" / "html"))


def toc_pages() -> list[str]:
    """Every page of the table of contents, as a path below the site; the first is the start page."""
    toc = yaml.safe_load((SITE.parent.parent / "_toc.yml").read_text(encoding="utf-8"))
    chapters = toc.get("chapters", []) + [row for part in toc.get("parts", []) for row in part["chapters"]]
    return [f"{name}.html" for name in (toc["root"], *(chapter["file"] for chapter in chapters))]


def chapter_pages() -> list[str]:
    """The pages that teach: those whose names begin with a chapter's number."""
    return [path for path in toc_pages() if re.match(r"book/\d\d", path)]


def exercise_pages() -> list[str]:
    """The chapters that hand out an exercise of the manifest; the recap, for one, has none."""
    manifest = tomllib.loads((ROOT / "solutions" / "course.toml").read_text(encoding="utf-8"))
    pages = [f"book/{row['slug']}.html" for row in manifest["exercise"]]
    assert set(pages) <= set(chapter_pages()), "every exercise has its page"
    return pages
