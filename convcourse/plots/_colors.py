"""One color for each role, the same on every page: in figures, widgets and the style sheet.

The site's style sheet (book/_static/css/base.css) has a custom property for each, with a lighter shade for
the dark theme. A drawing refers to the properties, so that one suits both themes.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import ListedColormap, to_rgb

INPUT = "#3b82c4"
WEIGHTS = "#d97706"
OUTPUT = "#2f9e6e"
WINDOW = "#8b6fc0"  # an outline around what a kernel reads, never a fill
GRADIENT = "#d1495b"  # dashed; and what went wrong
MUTED = "#808a94"
POSITIVE = "#c8374a"
NEGATIVE = "#2c6fb3"
# Hardly anyone chooses this by chance. It becomes the page's own text color.
INK = "#010203"
# On a gray pixel the ink may not follow the page's text color.
ON_DARK, ON_LIGHT = "#fefefe", "#101112"

# The lines of a chart that compares runs or networks, where no color has a role.
SERIES = (INPUT, WEIGHTS, OUTPUT, WINDOW, GRADIENT, MUTED)

# What the style sheet calls each. ON_DARK and ON_LIGHT are the same in both themes.
PROPERTIES: Mapping[str, str] = {
    INPUT: "--input",
    WEIGHTS: "--weights",
    OUTPUT: "--output",
    WINDOW: "--window",
    GRADIENT: "--gradient",
    MUTED: "--neutral",
    POSITIVE: "--positive",
    NEGATIVE: "--negative",
}


def _diverging() -> ListedColormap:
    """Blue to clear to red. Zero lets the page's ground through, which is white or near-black."""
    side = np.linspace(-1, 1, 255)
    colors = np.array([to_rgb(NEGATIVE if value < 0 else POSITIVE) for value in side])
    # Opacity grows a little faster than the value, so that small values can be told from none.
    return ListedColormap(np.column_stack([colors, np.abs(side) ** 0.8]), name="convcourse_diverging")


DIVERGING = _diverging()
