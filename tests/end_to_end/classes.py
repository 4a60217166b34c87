"""Makes classes of the tiny course: many different notebooks whose grades are known beforehand."""

import json
from pathlib import Path

DOUBLE = ("2 * n", "n * n", "n + n", "None")
PIXELS = ("28 * 30", "841")


def notebook(*sources: str, title: str = "A tiny exercise") -> bytes:
    """A notebook of exercise 00_tiny with these code cells."""
    cells = [
        {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for source in sources
    ]
    head = {"cell_type": "markdown", "metadata": {}, "source": f"# {title}"}
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"convcourse": {"exercise": "00_tiny"}},
        "cells": [head, *cells],
    }
    return json.dumps(document).encode()


def make_class(folder: Path, size: int) -> dict[str, float]:
    """Write `size` notebooks into `folder`; the score that each of them earns, by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    scores = {}
    for number in range(size):
        double, pixels = DOUBLE[number % len(DOUBLE)], PIXELS[number // len(DOUBLE) % len(PIXELS)]
        name = f"s{number:04}"
        data = notebook(
            f"def double(n):\n    return {double}",
            f"pixels = {pixels}\nprint('student', {number})",
            title=f"Notebook {number}",
        )
        (folder / f"{name}.ipynb").write_bytes(data)
        scores[name] = 2.0 * (double in ("2 * n", "n + n")) + 2.0 * (pixels == "28 * 30")
    return scores
