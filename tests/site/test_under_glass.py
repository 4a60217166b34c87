"""LeNet under glass computes what PyTorch computes: whole, broken, moved, and on a canvas that is larger."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))

from widgets import in_order, sources, to_script  # noqa: E402  (found only now)

from convcourse import experiments, lenet  # noqa: E402
from convcourse.data import mnist  # noqa: E402
from convcourse.training import Normalize  # noqa: E402

CHAPTER = "book/09_first_convnet.html"
THROUGH = """([pixels, side, down, right, broken]) => {
  const { under_glass: glass, nn, lenet_mnist } = window.convcourse;
  const layers = glass.asConvolutions(nn.load(lenet_mnist.lenet_mnist), 16);
  const canvas = glass.placed(Float32Array.from(pixels, (value) => value / 255), side, down, right);
  const found = glass.through(layers, nn.tensor([1, side, side], canvas), broken);
  return found.map(({ shape, data }) => ({ shape, data: Array.from(data) }));
}"""


@pytest.fixture(scope="module")
def scripts(browser: Browser) -> Page:
    """An empty page with the figure's modules in it, from their sources."""
    page = browser.new_page()
    modules = sources(ROOT / "book" / "widgets")
    for name in in_order(["under_glass"], modules):
        page.add_script_tag(content=to_script(name, modules[name].read_text(encoding="utf-8")))
    yield page
    page.close()


@pytest.fixture(scope="module")
def network() -> nn.Sequential:
    """The committed network with its weights as the page stores them, in half precision."""
    network = nn.Sequential(
        Normalize(),
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
    stored = {name: value.half().float() for name, value in experiments.weights("lenet_mnist", 0).items()}
    network.load_state_dict(stored)
    return network.eval()


def expected(network: nn.Sequential, image: Tensor, broken: dict[str, bool], order: list[int]) -> Tensor:
    """What PyTorch makes of it, each fault written out once more."""
    values = image.flatten()[order].view(image.shape) if broken.get("pixels") else image
    for at, layer in enumerate(network):
        if broken.get("relu") and isinstance(layer, nn.ReLU):
            continue
        if broken.get("channels") and at == 4:
            values = values.flip(1)
        values = layer(values)
    return values.detach()


@pytest.mark.parametrize(
    "broken", [{}, {"relu": True}, {"pixels": True}, {"channels": True}, {"relu": True, "channels": True}]
)
@pytest.mark.parametrize(("down", "right"), [(0, 0), (-3, 5), (9, -12)])
def test_what_is_broken_and_moved_is_what_pytorch_says(scripts, network, broken, down, right):
    digit = mnist("test").images[7]
    found = scripts.evaluate(THROUGH, [digit.flatten().tolist(), 28, down, right, broken])
    moved = torch.zeros(28, 28)
    rows, columns = (slice(max(0, by), 28 + min(0, by)) for by in (down, right))
    back = [slice(max(0, -by), 28 + min(0, -by)) for by in (down, right)]
    moved[rows, columns] = digit[back[0], back[1]].float() / 255
    order = scripts.evaluate("convcourse.under_glass.shuffled(784)")
    assert sorted(order) == list(range(784)) and order != sorted(order)
    wanted = expected(network, moved[None, None], broken, order)[0]
    logits = torch.tensor(found[-1]["data"])
    assert (logits - wanted).abs().max() <= 1e-5 * wanted.abs().max()


def test_the_canvas_is_read_as_by_the_network_without_a_linear_layer(scripts, network):
    digit = mnist("test").images[3]
    found = scripts.evaluate(THROUGH, [digit.flatten().tolist(), 64, -2, 6, {}])
    canvas = lenet.on_canvas(digit[None].float() / 255, [(16, 24)], 64)
    wanted = lenet.without_flattening(network, 16)(canvas[None, None]).detach()[0]
    assert found[-1]["shape"] == [10, 10, 10] and [f["shape"] for f in found][1:4] == [[6, 64, 64]] * 2 + [
        [6, 32, 32]
    ]
    logits = torch.tensor(found[-1]["data"]).view(10, 10, 10)
    assert (logits - wanted).abs().max() <= 1e-5 * wanted.abs().max()


@pytest.fixture
def figure(visit):
    page = visit.open(CHAPTER)
    yield page.locator('[data-widget="under_glass"]')
    visit.check_quiet()


def status(figure) -> str:
    return figure.locator(".cc-status").inner_text()


def test_a_reader_moves_breaks_draws_and_starts_again(figure):
    first = status(figure)
    assert first.startswith("The 3 is read as 3")
    sheet = figure.locator(".cc-sheet")
    sheet.focus()
    for _ in range(4):
        sheet.press("ArrowRight")
    assert "moved 4 right," in status(figure)
    figure.page.wait_for_timeout(1500)  # the curves fill up in the pauses
    points = figure.locator(".cc-curve.right").get_attribute("points").split()
    assert len(points) == 25
    sheet.press("5")
    assert "The 5, moved 4 right, is read as" in status(figure)
    for name in ("no ReLU", "pixels shuffled", "channels reversed"):
        figure.get_by_role("switch", name=name).check()
        assert figure.get_by_role("switch", name=name).is_checked()
    figure.get_by_role("button", name="Start again").click()
    assert status(figure) == first
    assert not figure.get_by_role("switch", name="no ReLU").is_checked()
    figure.get_by_role("switch", name="canvas of 64").check()
    assert "of 100 places" in status(figure)
    assert figure.get_by_role("cell").count() == 100 and figure.locator(".cc-bars").is_hidden()
    figure.get_by_role("switch", name="canvas of 64").uncheck()
    assert status(figure) == first
    figure.get_by_role("switch", name="draw").check()
    box = sheet.bounding_box()
    mouse = figure.page.mouse
    mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    mouse.down()
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 30, steps=6)
    mouse.up()
    figure.page.wait_for_timeout(100)
    assert status(figure).startswith("Your drawing is read as 1")


def test_an_event_keeps_the_page_for_50_ms_at_most_on_a_slow_machine(new_visit):
    page = new_visit(reduced_motion="reduce").open(CHAPTER)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    sheet = page.locator('[data-widget="under_glass"] .cc-sheet')
    sheet.focus()
    page.wait_for_timeout(3000)

    def script_seconds() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(each["value"] for each in metrics if each["name"] == "ScriptDuration")

    means = []
    for key in ("ArrowRight", "ArrowLeft") * 3:
        begun = script_seconds()
        for _ in range(4):
            sheet.press(key)
        means.append(1000 * (script_seconds() - begun) / 4)
    print(f"milliseconds per event: {np.round(means, 1)}")
    assert 0.1 < np.median(means) <= 50
