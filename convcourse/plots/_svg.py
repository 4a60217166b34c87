"""A matplotlib figure as a small SVG inside a page, next to others, in light and in dark.

matplotlib writes SVG for a file of its own: with ids that clash when two figures share a page, a style rule
that would apply to the whole page, black ink, a white ground and its own fonts. `svg_text` undoes each.
"""

import base64
import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import _ImageBase
from PIL import Image

from convcourse.plots._colors import INK, PROPERTIES

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_NUMBER = re.compile(r"-?\d+\.\d+(?:[eE][-+]?\d+)?|-?\d+[eE][-+]?\d+")
_LOCAL_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_GEOMETRY = ("d", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "points", "viewBox")
# A photograph larger than this many pixels is sent as JPEG: as PNG it would weigh ten times as much.
_PHOTOGRAPH_PIXELS = 10_000


def svg_text(figure: Figure, alt: str | None) -> str:
    """The figure as one `<svg>` element, without XML prologue, named `alt` for those who cannot see it.

    Without `alt` it is hidden from them: what encloses it has the description.
    """
    root = ElementTree.fromstring(_draw(figure))
    _drop_what_belongs_to_a_file(root)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        if _HREF in element.attrib:
            element.set("href", element.attrib.pop(_HREF))
        _tidy(element)
    _name_ids_apart(root)
    _describe(root, alt)
    return ElementTree.tostring(root, encoding="unicode")


def _draw(figure: Figure) -> bytes:
    """Draw with real text and raw pixels, the same bytes for the same figure."""
    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "convcourse",
        "svg.image_inline": True,
        "image.composite_image": False,
    }
    buffer = io.BytesIO()
    with matplotlib.rc_context(settings), _transparent(figure), _raw_images(figure):
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=None)
    return buffer.getvalue()


@contextmanager
def _transparent(figure: Figure) -> Iterator[None]:
    """No ground of its own for the figure and its axes while drawing."""
    patches = [figure.patch, *(axes.patch for axes in figure.axes)]
    before = [patch.get_facecolor() for patch in patches]
    edges = [patch.get_edgecolor() for patch in patches]
    for patch in patches:
        patch.set_facecolor("none")
        patch.set_edgecolor("none")
    try:
        # savefig would paint savefig.facecolor over the patch.
        with matplotlib.rc_context({"savefig.facecolor": "auto", "savefig.edgecolor": "auto"}):
            yield
    finally:
        for patch, face, edge in zip(patches, before, edges, strict=True):
            patch.set_facecolor(face)
            patch.set_edgecolor(edge)


@contextmanager
def _raw_images(figure: Figure) -> Iterator[None]:
    """Hand the browser each image's own pixels, marked by id as sharp (as drawn) or smooth."""
    images = [artist for artist in figure.findobj(_ImageBase) if hasattr(artist, "set_interpolation")]
    before = [(image.get_interpolation(), image.get_gid()) for image in images]
    for number, (image, (interpolation, _)) in enumerate(zip(images, before, strict=True)):
        sharp = interpolation in ("none", "nearest", "auto", "antialiased")
        image.set_interpolation("none")
        image.set_gid(f"{'sharp' if sharp else 'smooth'}{number}")
    try:
        yield
    finally:
        for image, (interpolation, gid) in zip(images, before, strict=True):
            image.set_interpolation(interpolation)
            image.set_gid(gid)


def _drop_what_belongs_to_a_file(root: ElementTree.Element) -> None:
    """Remove metadata, and the style rule `*{...}` that would reach every element of the page."""
    for parent in root.iter():
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)
        for child in list(parent):
            if child.tag == f"{_SVG}defs" and len(child) == 0:
                parent.remove(child)


def _tidy(element: ElementTree.Element) -> None:
    """Ink in the page's color, the page's font, short numbers, light images."""
    if element.tag == "image":
        _lighten_image(element)
    for name in _GEOMETRY:
        if name in element.attrib:
            element.set(name, _short_numbers(element.attrib[name], 2))
    if "transform" in element.attrib:
        element.set("transform", _short_numbers(element.attrib["transform"].replace("\n", " "), 4))
    if "d" in element.attrib:
        element.set("d", " ".join(element.attrib["d"].split()))
    style = _style_of(element)
    for name in ("fill", "stroke"):
        color = style.get(name, "")
        if color == INK:
            style[name] = "currentColor"
        elif (
            color in PROPERTIES
        ):  # the shade of the reader's theme; elsewhere, as in Jupyter, the color itself
            style[name] = f"var({PROPERTIES[color]},{color})"
    for name in ("stroke-width", "stroke-dasharray", "stroke-dashoffset", "font-size"):
        if name in style:
            style[name] = _short_numbers(style[name], 2)
    if element.tag in ("text", "tspan"):
        family = style.pop("font-family", "")
        if "mono" in family.lower():
            style["font-family"] = "monospace"
        style.pop("font-stretch", None)
    if element.tag == "text":
        style.setdefault("fill", "currentColor")
    if style:
        element.set("style", ";".join(f"{name}:{value}" for name, value in style.items()))
    else:
        element.attrib.pop("style", None)


def _style_of(element: ElementTree.Element) -> dict[str, str]:
    declarations = (part.partition(":") for part in element.get("style", "").split(";"))
    return {name.strip(): value.strip() for name, colon, value in declarations if colon}


def _short_numbers(text: str, digits: int) -> str:
    def short(match: re.Match[str]) -> str:
        rounded = f"{float(match[0]):.{digits}f}".rstrip("0").rstrip(".")
        return "0" if rounded in ("-0", "") else rounded

    return _NUMBER.sub(short, text)


def _lighten_image(element: ElementTree.Element) -> None:
    """Store the same pixels in fewer bytes, and say how the browser is to enlarge them."""
    data = element.attrib["href"].partition("base64,")[2]
    image: Image.Image = Image.open(io.BytesIO(base64.b64decode(data)))
    sharp = not element.get("id", "").startswith("smooth")
    opaque = image.mode != "RGBA" or image.getchannel("A").getextrema() == (255, 255)
    if opaque:
        image = image.convert("RGB")
        red, green, blue = image.split()
        if red.tobytes() == green.tobytes() == blue.tobytes():
            image = red
    buffer = io.BytesIO()
    if opaque and not sharp and image.width * image.height > _PHOTOGRAPH_PIXELS:
        kind = "jpeg"
        image.save(buffer, format="JPEG", quality=82, optimize=True)
    else:
        kind = "png"
        # At most 256 colors fit a palette, which loses nothing.
        if image.mode in ("RGB", "RGBA") and image.getcolors(256) is not None:
            image = _with_palette(image)
        image.save(buffer, format="PNG", optimize=True)
    element.set("href", f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode("ascii"))
    element.set("preserveAspectRatio", "none")
    element.set("style", "image-rendering:pixelated" if sharp else "image-rendering:auto")


def _with_palette(image: Image.Image) -> Image.Image:
    """An image of at most 256 colors, opaque or not, as numbers into a list of them."""
    pixels = np.asarray(image.convert("RGBA"))
    colors, numbers = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    packed = Image.fromarray(numbers.reshape(pixels.shape[:2]).astype(np.uint8))
    packed.putpalette(colors.tobytes(), "RGBA")
    return packed


_times_shown: dict[str, int] = {}


def _name_ids_apart(root: ElementTree.Element) -> None:
    """Keep only ids that something refers to, and begin each with a hash of the figure's content."""
    used: dict[str, str] = {}
    for element in root.iter():
        for name, value in element.attrib.items():
            targets = _LOCAL_REFERENCE.findall(value)
            if name == "href" and value.startswith("#"):
                targets.append(value[1:])
            for target in targets:
                used.setdefault(target, f"i{len(used)}")
    digest = hashlib.sha256(ElementTree.tostring(root)).hexdigest()[:10]
    # The same figure shown twice on a page needs two sets of ids as well.
    _times_shown[digest] = _times_shown.get(digest, 0) + 1
    repeat = f"-{_times_shown[digest]}" if _times_shown[digest] > 1 else ""
    names = {old: f"cc{digest}{repeat}-{new}" for old, new in used.items()}
    for element in root.iter():
        identity = element.attrib.pop("id", None)
        if identity in names:
            element.set("id", names[identity])
        for name, value in element.attrib.items():
            if name == "href" and value.startswith("#"):
                element.set(name, "#" + names[value[1:]])
            elif "url(#" in value:
                element.set(name, _LOCAL_REFERENCE.sub(lambda m: f"url(#{names[m[1]]})", value))


def _describe(root: ElementTree.Element, alt: str | None) -> None:
    """Name the drawing, and let it shrink with the page but never grow past its own size."""
    width = float(root.attrib["viewBox"].split()[2])
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("class", "cc-svg")
    root.set(
        "style",
        f"--own:{width:g}px;width:100%;max-width:{width:g}px;height:auto;stroke-linejoin:round;stroke-linecap:butt;font-family:inherit",
    )
    if alt is None:
        root.set("aria-hidden", "true")
        return
    root.set("role", "img")
    root.set("aria-label", alt)
    title = ElementTree.Element("title")
    title.text = alt
    root.insert(0, title)
