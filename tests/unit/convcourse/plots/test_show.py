"""A figure on a page: legible in light and dark, described, and never in the way of the next one."""

import base64
import io
import json
import re
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from convcourse import plots
from convcourse.plots import figure, figure_markup, show, widget, widget_markup
from convcourse.plots._grid import picture


def sample(seed: int = 0) -> Figure:
    fig = figure(400, 200)
    left, right = fig.subplots(1, 2)
    left.plot([0, 1, 2], [3, 1, 2], marker="o", clip_on=True)
    left.set_title("a < b & c")
    right.imshow(np.random.default_rng(seed).random((4, 6)))
    return fig


def svg_of(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(re.search(r"<svg.*</svg>", markup, re.DOTALL)[0])


def ids_and_references(markup: str) -> tuple[list[str], set[str]]:
    ids = re.findall(r'\bid="([^"]+)"', markup)
    return ids, set(re.findall(r'(?:url\(#|href="#)([^)"]+)', markup))


def test_every_reference_has_its_id_and_no_id_is_idle():
    ids, references = ids_and_references(figure_markup(sample(), "two plots"))
    assert references, "the sample should clip something"
    assert len(ids) == len(set(ids))
    assert set(ids) == references


def test_figures_on_a_page_share_no_id_even_when_they_are_equal():
    pages = [figure_markup(fig, "plots") for fig in (sample(41), sample(41), sample(42))]
    ids = [identity for page in pages for identity in ids_and_references(page)[0]]
    assert len(ids) == len(set(ids))


def test_the_same_figure_gives_the_same_drawing():
    first, second = (re.sub(r"cc[0-9a-f]{10}(-\d+)?-", "", figure_markup(sample(7), "a")) for _ in range(2))
    assert first == second
    assert not re.search(r"\d{4}-\d\d-\d\dT", first), "a date would change the page at every build"


def test_ink_follows_the_page_and_nothing_paints_its_ground():
    markup = figure_markup(sample(), "plots")
    assert "currentColor" in markup
    for text in ("#010203", "#000000", "#ffffff", "<?xml", "<style", "<metadata", "xlink"):
        assert text not in markup


def test_black_text_takes_the_pages_color_too():
    fig = Figure()
    fig.text(0.5, 0.5, "plain", color="black")
    text = svg_of(figure_markup(fig, "a word")).find(".//text")
    assert text.text == "plain"
    assert "fill:currentColor" in text.get("style")


def test_colors_keep_their_digits():
    fig = figure(200, 100)
    fig.subplots().bar([0], [1], color=plots.OUTPUT)  # "2f9e6e" looks like a number with an exponent
    assert "fill:var(--output,#2f9e6e)" in figure_markup(fig, "a bar")


def test_numbers_are_short():
    markup = figure_markup(sample(), "plots")
    paths = " ".join(re.findall(r' d="([^"]*)"', markup))
    assert re.search(r"\d\.\d", paths)
    assert not re.search(r"\.\d{3}", paths)


def test_the_drawing_is_named_and_its_alt_escaped():
    alt = 'Left "a" < b & c\n  goes on.'
    root = svg_of(figure_markup(sample(), alt))
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'Left "a" < b & c goes on.' == root[0].text
    assert root[0].tag == "title"
    assert '"a" <' not in figure_markup(sample(), alt).split("<title>")[0]


def test_it_shrinks_with_the_page_and_never_grows():
    root = svg_of(figure_markup(sample(), "plots"))
    assert root.get("viewBox") == "0 0 400 200"
    assert "max-width:400px" in root.get("style") and root.get("width") is None


@pytest.mark.parametrize("alt", ["", "  \n"])
def test_a_figure_or_widget_without_description_is_refused(alt):
    with pytest.raises(ValueError, match="alt must not be empty"):
        show(sample(), alt)
    with pytest.raises(ValueError, match="alt must not be empty"):
        widget("kernel_explorer", {}, alt)


@pytest.mark.parametrize(
    ("interpolation", "rendering", "kind"),
    [("none", "pixelated", "png"), ("nearest", "pixelated", "png"), ("bilinear", "auto", "jpeg")],
)
def test_pixels_are_the_images_own(interpolation, rendering, kind):
    fig = figure(100, 100)
    values = np.random.default_rng(1).random((110, 120, 3))
    artist = fig.subplots().imshow(values, interpolation=interpolation)
    image = svg_of(figure_markup(fig, "noise")).find(".//image")
    assert (image.get("width"), image.get("height")) == ("120", "110")
    assert image.get("style") == f"image-rendering:{rendering}"
    assert image.get("href").startswith(f"data:image/{kind};base64,")
    assert artist.get_interpolation() == interpolation and artist.get_gid() is None


def test_gray_pixels_are_stored_exactly_and_as_gray():
    fig = figure(100, 100)
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    fig.subplots().imshow(np.stack([levels] * 3, axis=2))
    href = svg_of(figure_markup(fig, "a ramp")).find(".//image").get("href")
    stored = Image.open(io.BytesIO(base64.b64decode(href.partition(",")[2])))
    assert stored.mode == "L"
    assert sorted(np.asarray(stored).ravel().tolist()) == list(range(256))


def test_drawing_leaves_the_figure_as_it_was():
    fig = Figure(facecolor="yellow")
    axes = fig.subplots()
    axes.set_facecolor("pink")
    figure_markup(fig, "an empty plot")
    assert fig.get_facecolor() == (1, 1, 0, 1)
    assert axes.get_facecolor() == pytest.approx((1, 0.7529, 0.7961, 1), abs=1e-3)


def test_a_pyplot_figure_is_not_shown_twice(capsys):
    fig = plt.figure()
    number = fig.number
    show(fig, "An empty figure.")
    assert capsys.readouterr().out == "[An empty figure.]\n"
    assert number not in plt.get_fignums()


def test_while_grading_the_picture_itself_is_shown(capsys, monkeypatch):
    monkeypatch.setenv("CONVCOURSE_GRADING", "1")
    show(sample(), "two plots")
    assert capsys.readouterr().out.startswith("Figure(")


def test_a_widget_carries_its_data_as_json_that_no_browser_reads_as_markup():
    data = {"text": "</script><script>alert(1)</script><!--", "n": [1, 2.5]}
    markup = widget_markup('a"b', data, "Say <what> it is.")
    packed = re.search(r'<script type="application/json">(.*?)</script></figure>$', markup)[1]
    assert "<" not in packed
    assert json.loads(packed) == data
    assert 'data-widget="a&quot;b"' in markup
    assert 'aria-label="Say &lt;what&gt; it is."' in markup
    assert ">Say &lt;what&gt; it is.</p>" in markup


def test_a_widget_refuses_numbers_that_json_lacks():
    with pytest.raises(ValueError, match="not JSON compliant"):
        widget("size_calculator", {"n": float("nan")}, "sizes")


def test_a_widget_takes_arrays_and_refuses_other_objects():
    packed = widget_markup("a", {"x": np.arange(3) / 2, "n": np.int64(4), "t": torch.ones(1, 2)}, "An array.")
    assert '{"x":[0.0,0.5,1.0],"n":4,"t":[[1.0,1.0]]}' in packed
    with pytest.raises(TypeError, match="not set"):
        widget_markup("a", {"x": {1, 2}}, "A set.")


def test_a_figure_needs_a_size():
    with pytest.raises(ValueError, match="width and height must be more than 0 pixels, got 0 and 10"):
        figure(0, 10)


def test_an_unknown_chapter_module_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"convcourse\.plots has no 'nowhere'"):
        _ = plots.nowhere


def signed(*bounds: float) -> list[Figure]:
    figures = []
    for bound in bounds:
        fig, ax = plots.panel(len(bounds), 100)
        picture(ax, np.array([[-bound, 0.0, bound]]), bound=bound)
        figures.append(fig)
    return figures


def test_panels_are_drawings_of_their_own_under_one_description():
    markup = figure_markup(signed(1, 1, 1), "three maps")
    drawings = re.findall(r"<svg[^>]*>", markup)
    assert len(drawings) == 3 and all('aria-hidden="true"' in drawing for drawing in drawings)
    assert markup.count('role="img" aria-label="three maps"') == 1
    assert "--across:3" in markup
    assert "--across:2" in figure_markup(signed(1, 1, 1, 1), "four maps", columns=2)


def test_as_many_panels_share_a_row_as_fit():
    assert "--across:3" in figure_markup([plots.panel(3, 90)[0] for _ in range(6)], "six")


def test_signed_maps_get_a_legend_with_numbers_only_where_they_share_a_scale():
    assert re.search(r"cc-signs.>−0.5<.*>0.5<", figure_markup(signed(0.5, 0.5), "maps"))
    assert "each map on its own scale" in figure_markup(signed(0.5, 2), "maps")
    assert "cc-signs" not in figure_markup(sample(), "a plot")


def test_zero_lets_the_ground_through_and_the_ends_are_the_named_colors():
    image = svg_of(figure_markup(signed(1)[0], "a map")).find(".//image")
    data = base64.b64decode(image.get("href").partition("base64,")[2])
    low, zero, high = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))[0].tolist()
    assert zero[3] == 0 and low[3] == high[3] == 255
    assert ["#" + bytes(pixel[:3]).hex() for pixel in (low, high)] == [plots.NEGATIVE, plots.POSITIVE]


def test_a_role_is_drawn_in_the_shade_of_the_readers_theme():
    fig = figure(200, 100)
    fig.subplots().plot([0, 1], color=plots.WEIGHTS)
    assert f"stroke:var(--weights,{plots.WEIGHTS})" in figure_markup(fig, "a line")
