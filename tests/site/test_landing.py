"""The first page: what a reader draws, picks or moves is read at once, by hand, key and finger; and its map
of chapters says what is there and what is planned."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from browser_network import NETWORKS
from built_site import SITE, chapter_pages, exercise_pages
from coursemap import doing_minutes, rounded, words_in_view
from onnxruntime import InferenceSession

from convcourse.plots.landing import percent_by_shift

ROOT = Path(__file__).resolve().parents[2]
INDEX = "book/index.html"
EVENT_MS = 50
# Lines as a hand draws them: points in shares of the sheet.
ARC = [math.pi * step / 12 for step in range(16)]
DRAWN = {
    "3": [(0.48 + 0.2 * math.cos(a - 2.5), 0.33 + 0.14 * math.sin(a - 2.5)) for a in ARC]
    + [(0.48 + 0.22 * math.cos(a - 1.57), 0.63 + 0.17 * math.sin(a - 1.57)) for a in ARC],
    "7": [(0.28 + 0.04 * t, 0.24) for t in range(11)]
    + [(0.68 - 0.025 * t, 0.24 + 0.055 * t) for t in range(11)],
}
# The same figure with the sheet's own functions: a sheet of 112 x 112 and what the networks are given.
PREPARED = """lines => {
  const { sheet, asDrawn, centered } = window.convcourse.sheet;
  const fine = sheet({ image: undefined, lines, down: 0, right: 0 });
  return [asDrawn(fine), centered(fine)].map((pixels) => Array.from(pixels));
}"""
# One line in events of the page's own making; how many they were.
DRAW = """points => {
  const sheet = document.querySelector(".cc-sheet"), box = sheet.getBoundingClientRect();
  sheet.setPointerCapture = () => {};
  const send = (kind, [x, y]) => sheet.dispatchEvent(new PointerEvent(kind, { pointerId: 1, button: 0,
    bubbles: true, clientX: box.left + x * box.width, clientY: box.top + y * box.height }));
  send("pointerdown", points[0]);
  points.forEach((point) => send("pointermove", point));
  send("pointerup", points[0]);
  return points.length + 2;
}"""


@pytest.fixture
def page(visit):
    yield visit.open(INDEX)
    visit.check_quiet()


def says(page) -> list[str]:
    """The two answers, the convolutional network's first."""
    return page.locator(".cc-says").all_inner_texts()


def status(page) -> str:
    return page.locator(".cc-read-digit .cc-status").inner_text()


def draw(page, points, scale=1.0, right=0.0, down=0.0) -> None:
    """One line with the mouse."""
    page.locator(".cc-sheet").scroll_into_view_if_needed()
    box = page.locator(".cc-sheet").bounding_box()

    def at(x: float, y: float) -> tuple[float, float]:
        x, y = 0.5 + (x - 0.5) * scale + right, 0.5 + (y - 0.5) * scale + down
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    page.mouse.move(*at(*points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*at(*point))
    page.mouse.up()


def pixels_shown(page, canvas: str) -> np.ndarray:
    """The gray values of a canvas, [H, W]."""
    found = page.evaluate(
        """selector => {
        const shown = document.querySelector(selector);
        const copy = new OffscreenCanvas(shown.width, shown.height)
          .getContext("2d", { willReadFrequently: true });
        copy.drawImage(shown, 0, 0);
        return [shown.height, shown.width, ...copy.getImageData(0, 0, shown.width, shown.height).data];
        }""",
        canvas,
    )
    return np.array(found[2:]).reshape(found[0], found[1], 4)[..., 0]


def test_it_opens_with_a_digit_that_only_the_convolutional_network_reads(page):
    assert says(page) == ["9", "4"]
    assert "moved 3 down" in status(page) and "Centered first, it would say 9." in status(page)
    assert page.locator(".cc-mirror li").count() == 10


def test_what_it_says_is_what_the_committed_networks_say(page):
    """The shares next to the bars, against onnxruntime on the pixels that the page shows as given."""
    given = pixels_shown(page, ".cc-seen")[None, None].astype(np.float32) / 255
    for side, name in enumerate(("mnist_20k", "mlp_mnist")):
        logits = InferenceSession(NETWORKS[name]).run(None, {"images": given})[0][0]
        shares = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        texts = page.locator(f".cc-mirror .cc-value:nth-of-type({2 if side == 0 else 6})").all_inner_texts()
        assert np.abs([float(text.rstrip(" %")) / 100 for text in texts] - shares).max() < 0.002


@pytest.mark.parametrize("digit", DRAWN)
def test_a_digit_drawn_with_the_mouse_is_read_by_both(page, digit):
    draw(page, DRAWN[digit])
    assert says(page) == [digit, digit]
    assert status(page).startswith("Your drawing")


def test_a_small_drawing_in_a_corner_is_read_once_it_is_centered(page):
    draw(page, DRAWN["7"], scale=0.6, right=0.2, down=0.15)
    assert says(page)[1] != "7"
    page.get_by_role("switch").check()
    assert says(page) == ["7", "7"]


def test_a_finger_draws_too(new_visit):
    visit = new_visit(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    page = visit.open(INDEX)
    page.locator(".cc-sheet").tap(position={"x": 100, "y": 90})
    assert status(page).startswith("Your drawing")
    assert pixels_shown(page, ".cc-sheet").max() == 255
    visit.check_quiet()


def test_dragging_moves_by_whole_pixels(page):
    page.get_by_role("button", name="Drag").click()
    before = pixels_shown(page, ".cc-sheet")
    side = page.locator(".cc-sheet").bounding_box()["width"] / 28
    draw(page, [(0.5, 0.5), (0.5 + 4.2 * side / (28 * side), 0.5 - 3.1 * side / (28 * side))])
    after = pixels_shown(page, ".cc-sheet")
    assert np.array_equal(after[:20, 4:], before[3:23, :-4])
    assert "moved 4 right" in status(page)
    assert says(page)[0] == "9"


def test_keys_pick_move_undo_and_clear(page):
    page.locator(".cc-sheet").focus()
    page.keyboard.press("7")
    assert says(page) == ["7", "7"] and status(page).startswith("A 7 that neither has seen before.")
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    assert "moved 1 up and 1 right" in status(page)
    page.keyboard.press("Control+z")
    assert "moved 1 up and 2 right" in status(page)
    page.keyboard.press("Delete")
    assert says(page) == ["–", "–"] and status(page).startswith("The sheet is empty")
    page.keyboard.press("Control+z")
    assert "moved 1 up and 2 right" in status(page)


def test_buttons_do_the_same(page):
    page.get_by_role("button", name="Pick a 2").click()
    page.get_by_role("button", name="Move left").click()
    assert "A 2 that neither has seen before, moved 1 left" in status(page)
    page.get_by_role("button", name="Undo").click()
    assert status(page).startswith("A 2 that neither has seen before.")
    page.get_by_role("button", name="Clear").click()
    assert says(page) == ["–", "–"]
    page.get_by_role("switch").check()
    page.get_by_role("button", name="Start again").click()
    assert says(page) == ["9", "4"] and not page.get_by_role("switch").is_checked()
    assert page.get_by_role("button", name="Undo").is_disabled()


def test_centering_leaves_the_digits_of_mnist_as_they_are(page):
    """Each was prepared so; and one that has been moved, but not out of the sheet, comes back as it was."""
    for digit in range(10):
        page.get_by_role("button", name=f"Pick a {digit}").click()
        before = pixels_shown(page, ".cc-seen")
        page.get_by_role("switch").check()
        assert np.array_equal(pixels_shown(page, ".cc-seen"), before)
        page.get_by_role("button", name="Move up").click()
        page.get_by_role("button", name="Move right").click()
        assert np.array_equal(pixels_shown(page, ".cc-seen"), before)
        page.get_by_role("switch").uncheck()
        assert not np.array_equal(pixels_shown(page, ".cc-seen"), before)


def test_a_drawing_is_scaled_to_twenty_pixels_and_centered_by_mass(page):
    rng = np.random.default_rng(0)
    for _ in range(8):
        low, size = rng.uniform(3, 9, 2), rng.uniform(5, 15, 2)
        line = (low + size * rng.uniform(0, 1, (6, 2))).tolist()
        lying, given = (np.array(pixels).reshape(28, 28) for pixels in page.evaluate(PREPARED, [line]))
        rows, columns = np.nonzero(given.sum(1) > 0)[0], np.nonzero(given.sum(0) > 0)[0]
        # A box of 20 that does not begin at a pixel's edge touches 21 pixels.
        assert 20 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 21
        weights = given / given.sum()
        center = [(weights.sum(1 - axis) * (np.arange(28) + 0.5)).sum() for axis in (0, 1)]
        assert np.abs(np.array(center) - 14.5).max() <= 0.5 + 1e-3
        longer = max(np.ptp(np.nonzero(lying.sum(1))[0]), np.ptp(np.nonzero(lying.sum(0))[0])) + 1
        assert given.sum() == pytest.approx(lying.sum() * (20 / longer) ** 2, rel=0.35)  # scaled, not cut


def test_the_maps_are_those_of_the_first_and_the_fourth_convolution(page):
    shapes = page.evaluate("[...document.querySelectorAll('.cc-maps')].map(c => [c.width, c.height])")
    assert shapes == [[12 * 27 - 1, 26], [28 * 9 - 1, 8]]
    assert all(pixels_shown(page, f".cc-maps:nth-last-of-type({n})").max() == 255 for n in (1, 2))


def test_the_digit_walks_once_where_motion_is_welcome_and_stops_when_touched(new_visit):
    visit = new_visit(reduced_motion="no-preference")
    visit.page.clock.install(time=0)
    visit.page.clock.pause_at(1000)  # from here on its time passes when the test says so
    page = visit.open(INDEX)
    assert says(page) == ["9", "9"]
    page.clock.run_for(4000)
    assert says(page) == ["9", "4"] and "moved 3 down" in status(page)
    page = visit.open(INDEX)
    page.get_by_role("button", name="Pick a 1").click()
    page.clock.run_for(4000)
    assert status(page).startswith("A 1 that neither has seen before.")


def test_an_event_costs_at_most_fifty_milliseconds_at_a_quarter_of_the_speed(visit):
    """In the page's own processor time, so that what else the machine does is not held against it."""
    page = visit.open(INDEX)
    page.get_by_role("switch").check()  # the dearer way
    page.wait_for_timeout(1000)
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def script_seconds() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == "ScriptDuration")

    means, begun = [], script_seconds()
    for _ in range(4):
        events = page.evaluate(DRAW, DRAWN["3"])
        ended = script_seconds()
        means.append(1000 * (ended - begun) / events)
        begun = ended
    print(f"milliseconds per event, line by line: {np.round(means, 1)}")
    assert events > 30 and 0.1 < np.median(means) <= EVENT_MS


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_jumps_while_the_page_loads(new_visit, width):
    page = new_visit(viewport={"width": width, "height": 844}, reduced_motion="no-preference").open(INDEX)
    page.wait_for_timeout(2500)
    shift = page.evaluate(
        """() => new Promise((done) => {
        let sum = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((entry) => { sum += entry.value; }))
          .observe({ type: "layout-shift", buffered: true });
        setTimeout(() => done(sum), 100);
        })"""
    )
    print(f"layout shift at {width} px: {shift:.4f}")
    assert shift < 0.1


def test_the_sheet_is_on_the_first_screen(new_visit):
    for width, height in ((1280, 900), (390, 844)):
        page = new_visit(viewport={"width": width, "height": height}, reduced_motion="reduce").open(INDEX)
        for part in (".cc-sheet", ".cc-heads"):
            box = page.locator(part).bounding_box()
            assert box["y"] + box["height"] <= height, (part, width)


def test_the_map_has_every_chapter_with_its_times_and_marks_the_rest_as_planned(page):
    rows = page.locator("ol.map > li")
    linked = [a.get_attribute("href") for a in page.locator("ol.map a.map-title").all()]
    assert [f"book/{href}" for href in linked] == chapter_pages()
    planned = page.locator("ol.map li:has(span.map-title)")
    assert rows.count() == len(linked) + planned.count() == 15
    assert all("planned" in text and "min" not in text for text in planned.all_inner_texts())
    for path in exercise_pages():
        slug = Path(path).stem
        text = page.locator(f"ol.map li:has(a.map-title[href='{slug}.html'])").inner_text()
        read, do = (int(found) for found in re.findall(r"(\d+) min", text))
        words = words_in_view((ROOT / "book" / f"{slug}.md").read_text(encoding="utf-8"))
        assert read == rounded(words / 200)
        assert do == doing_minutes((ROOT / "exercises" / f"{slug}.ipynb").read_text(encoding="utf-8"))
        assert "colab.research.google.com" in page.locator(
            f"ol.map li:has(a.map-title[href='{slug}.html']) a", has_text="Colab"
        ).get_attribute("href")


def test_the_table_of_moved_digits_is_that_of_the_committed_runs():
    table = percent_by_shift(
        (ROOT / "benchmarks" / "results" / "shifted_digits.md").read_text(encoding="utf-8")
    )
    assert set(table) == {"mlp_mnist", "lenet_mnist", "mnist_20k"}
    for name, run in table.items():
        folder = ROOT / "solutions" / "training" / "runs" / f"2026-11-21_{name}_cpu"
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        assert len(metrics["seeds"]) == 5
        measures = {
            0: "test_accuracy",
            **{n: f"shifted_{n}" for n in range(1, 5) if f"shifted_{n}" in metrics},
        }
        for pixels, measure in measures.items():
            assert run[pixels][0] == pytest.approx(100 * metrics[measure]["mean"], abs=0.01)


def test_reading_time_counts_what_a_page_shows():
    """Words estimated from the source against those of the built page, a quarter left for glue, outputs."""
    slug = "04_stride_and_padding"
    html = (SITE / "book" / f"{slug}.html").read_text(encoding="utf-8")
    article = re.search(r"<article>(.*)</article>", html, re.DOTALL)[1]
    shown = re.sub(r"<(script|style|svg|math|details)\b.*?</\1>|<[^>]+>", " ", article, flags=re.DOTALL)
    estimated = words_in_view((ROOT / "book" / f"{slug}.md").read_text(encoding="utf-8"))
    assert estimated == pytest.approx(len(re.findall(r"[^\W_][\w'’.,-]*", shown)), rel=0.25)


def test_an_exercise_takes_its_text_and_five_minutes_for_each_question():
    cells = [
        {"cell_type": "markdown", "source": ["word " * 400]},
        *[{"cell_type": "code", "source": [f'grader.check("q{n}")\n']} for n in range(3)],
    ]
    assert doing_minutes(json.dumps({"cells": cells})) == 20  # 2 + 15, up to the next five
