"""Manifest, table of contents and folders must name the same exercises."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from autograder.course import Course
from autograder.verify.findings import Finding

SLUG = re.compile(r"\d\d_\w+")


def check_structure(course: Course, root: Path) -> list[Finding]:
    """Every exercise of the manifest has its page, master and examples, and nothing else claims to be one."""
    slugs = [exercise.slug for exercise in course.exercises]
    # A page numbered 00 is what comes before the chapters; it need not have an exercise.
    pages = [name for name in _pages(root / "_toc.yml") if name in slugs or not name.startswith("00_")]
    findings = [_agree("_toc.yml lists", pages, slugs)]
    findings.append(_agree("solutions/ holds", sorted(_names(root / "solutions")), slugs, subset=True))
    findings.append(_agree("exercises/ holds", sorted(_names(root / "exercises", ".ipynb")), slugs))
    for slug in slugs:
        wanted = [f"book/{slug}.md", f"solutions/{slug}/master.md", f"solutions/{slug}/examples.md"]
        missing = [name for name in wanted if not (root / name).is_file()]
        findings.append(
            Finding(
                slug,
                "page, master and examples are there",
                not missing,
                (missing and f"missing: {', '.join(missing)}") or "",
            )
        )
    return findings


def _agree(what: str, found: list[str], slugs: list[str], subset: bool = False) -> Finding:
    """`found` must be the manifest's exercises; with `subset` some may still be missing there."""
    extra = sorted(set(found) - set(slugs))
    missing = [] if subset else sorted(set(slugs) - set(found))
    problems = [f"{name} is not in course.toml" for name in extra] + [
        f"{name} is missing" for name in missing
    ]
    return Finding("course", f"{what} the exercises of course.toml", not problems, "; ".join(problems))


def _names(folder: Path, suffix: str = "") -> Iterator[str]:
    for path in folder.glob(f"*{suffix}"):
        if SLUG.fullmatch(path.stem) and (suffix or path.is_dir()):
            yield path.stem


def _pages(path: Path) -> list[str]:
    """The chapters that the table of contents lists; other pages, such as the index, are not exercises."""
    if not path.is_file():
        return []
    names = [Path(name).name for name in _files(yaml.safe_load(path.read_text(encoding="utf-8")))]
    return [name for name in names if SLUG.fullmatch(name)]


def _files(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("file", "root") and isinstance(value, str):
                yield value
            else:
                yield from _files(value)
    elif isinstance(node, list):
        for item in node:
            yield from _files(item)
