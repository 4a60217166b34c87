"""What book/widgets/nn.js computes is what PyTorch computes: every operator on shapes that are not
square, and both networks of the course on 1,000 of MNIST's test images. It runs as the browser gets it, as
plain scripts."""

import base64
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from playwright.sync_api import Browser, Page
from torch import Tensor
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))

from browser_network import FOLDER, NETWORKS, layers, script  # noqa: E402  (found only now)
from widgets import in_order, sources, to_script  # noqa: E402

from convcourse.data import mnist  # noqa: E402
from convcourse.export import graph_numbers  # noqa: E402

# Numbers cross as JSON, which Float32 survives; a tensor is {shape, data}.
RUN = """([name, tensors, settings]) => {
  const { nn } = window.convcourse;
  const made = tensors.map((t) => t && nn.tensor(t.shape, Float32Array.from(t.data)));
  const y = nn[name](...made, ...settings);
  return { shape: y.shape, data: Array.from(y.data) };
}"""
READ = """([name, images]) => {
  const { nn } = window.convcourse;
  const network = nn.load(window.convcourse[name][name]);
  return images.map((packed) => {
    const pixels = Float32Array.from(atob(packed), (character) => character.charCodeAt(0) / 255);
    return Array.from(nn.forward(network, nn.tensor([1, 28, 28], pixels)).at(-1).data);
  });
}"""


@pytest.fixture(scope="module")
def scripts(browser: Browser) -> Page:
    """An empty page with the modules in it, from their sources."""
    page = browser.new_page()
    modules = sources(ROOT / "book" / "widgets")
    for name in in_order(["nn", *NETWORKS], modules):
        page.add_script_tag(content=to_script(name, modules[name].read_text(encoding="utf-8")))
    yield page
    page.close()


def in_browser(page: Page, name: str, *tensors: Tensor | None, **settings: object) -> Tensor:
    packed = [None if t is None else {"shape": list(t.shape), "data": t.flatten().tolist()} for t in tensors]
    found = page.evaluate(RUN, [name, packed, [settings] if settings else []])
    return torch.tensor(found["data"]).reshape(found["shape"])


def assert_close(found: Tensor, expected: Tensor) -> None:
    """Equal shapes, and values within 1e-5 of the largest."""
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.fixture
def random() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize(
    ("channels", "filters", "kernel", "settings"),
    [
        (3, 4, (3, 3), {}),
        (3, 5, (2, 4), {"stride": (2, 1)}),
        (1, 2, (5, 3), {"padding": (2, 1)}),
        (2, 3, (3, 2), {"dilation": (2, 3), "padding": (1, 2)}),
        (6, 9, (3, 3), {"groups": 3, "padding": 1}),
        (4, 4, (3, 1), {"groups": 4, "stride": 2}),
        (4, 8, (2, 3), {"groups": 4, "stride": (1, 3), "padding": (0, 2), "dilation": (3, 1)}),
        (5, 3, (1, 1), {"stride": (3, 2)}),
    ],
)
def test_conv2d_is_pytorchs(scripts, random, channels, filters, kernel, settings):
    x = torch.randn(channels, 9, 13, generator=random)
    weight = torch.randn(filters, channels // settings.get("groups", 1), *kernel, generator=random)
    bias = torch.randn(filters, generator=random)
    for b in (bias, None):
        expected = F.conv2d(x[None], weight, b, **settings)[0]
        assert_close(in_browser(scripts, "conv2d", x, weight, b, **settings), expected)


def test_conv2d_refuses_filters_for_other_channels(scripts):
    with pytest.raises(Exception, match="filters for 3 channels got 2"):
        in_browser(scripts, "conv2d", torch.zeros(2, 5, 5), torch.zeros(1, 3, 3, 3), None)


@pytest.mark.parametrize(
    "settings",
    [
        {"kernelSize": (2, 2)},
        {"kernelSize": (3, 2), "stride": (2, 3)},
        {"kernelSize": 3, "stride": 2, "padding": 1},
        {"kernelSize": (4, 3), "stride": (1, 2), "padding": (2, 1)},
    ],
)
def test_pooling_is_pytorchs(scripts, random, settings):
    x = torch.randn(3, 8, 11, generator=random) - 1  # below zero too, where zeros in the padding would win
    words = {"kernel_size": settings["kernelSize"], "stride": settings.get("stride")}
    words["padding"] = settings.get("padding", 0)
    assert_close(in_browser(scripts, "maxPool2d", x, **settings), F.max_pool2d(x[None], **words)[0])
    assert_close(in_browser(scripts, "averagePool2d", x, **settings), F.avg_pool2d(x[None], **words)[0])


def test_global_average_pooling_is_pytorchs(scripts, random):
    x = torch.randn(5, 4, 7, generator=random)
    assert_close(in_browser(scripts, "globalAveragePool", x), F.adaptive_avg_pool2d(x[None], 1)[0])


def norm_of(channels: int, random: torch.Generator) -> dict[str, Tensor]:
    names = ("mean", "variance", "weight", "bias")
    return {name: torch.rand(channels, generator=random) + 0.5 * (name == "variance") for name in names}


NORM = """([x, weight, bias, norm, folded]) => {
  const { nn } = window.convcourse;
  const tensor = (t) => nn.tensor(t.shape, Float32Array.from(t.data));
  const made = Object.fromEntries(Object.entries(norm).map(([name, t]) => [name, tensor(t)]));
  let y;
  if (folded) {
    const both = nn.foldBatchNorm(tensor(weight), bias && tensor(bias), made);
    y = nn.conv2d(tensor(x), both.weight, both.bias);
  } else y = nn.batchNorm(nn.conv2d(tensor(x), tensor(weight), bias && tensor(bias)), made);
  return { shape: y.shape, data: Array.from(y.data) };
}"""


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("affine", [False, True])
def test_batch_norm_is_pytorchs_folded_into_the_convolution_or_not(
    scripts, random, folded, with_bias, affine
):
    x, weight = torch.randn(2, 6, 9, generator=random), torch.randn(4, 2, 3, 2, generator=random)
    bias = torch.randn(4, generator=random) if with_bias else None
    norm = norm_of(4, random)
    if not affine:
        del norm["weight"], norm["bias"]
    between = F.conv2d(x[None], weight, bias)
    expected = F.batch_norm(between, norm["mean"], norm["variance"], norm.get("weight"), norm.get("bias"))[0]

    def pack(t: Tensor | None) -> dict | None:
        return None if t is None else {"shape": list(t.shape), "data": t.flatten().tolist()}

    packed = {name: pack(t) for name, t in norm.items()}
    found = scripts.evaluate(NORM, [pack(x), pack(weight), pack(bias), packed, folded])
    assert_close(torch.tensor(found["data"]).reshape(found["shape"]), expected)


def test_linear_relu_and_softmax_are_pytorchs(scripts, random):
    x, weight, bias = (torch.randn(*shape, generator=random) for shape in ((2, 3, 5), (7, 30), (7,)))
    for b in (bias, None):
        assert_close(in_browser(scripts, "linear", x, weight, b), F.linear(x.flatten(), weight, b))
    assert_close(in_browser(scripts, "relu", x), F.relu(x))
    logits = torch.tensor([1000.0, 998.0, -1000.0, 999.5])
    assert_close(in_browser(scripts, "softmax", logits), logits.softmax(0))


def test_linear_refuses_another_length(scripts):
    with pytest.raises(Exception, match="for 30 values got 12"):
        in_browser(scripts, "linear", torch.zeros(12), torch.zeros(7, 30), None)


def test_halves_are_numpys(scripts):
    """Every half that is a number: all signs and exponents, and those below the smallest normal one."""
    every = np.arange(2**16, dtype="<u2").view("<f2")
    every = every[np.isfinite(every)]
    packed = base64.b64encode(every.tobytes()).decode()
    found = scripts.evaluate("packed => Array.from(window.convcourse.nn.halves(packed))", packed)
    assert np.array_equal(np.array(found), every.astype(np.float64))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_committed_script_is_the_committed_networks(name):
    assert (FOLDER / f"{name}.js").read_text(encoding="utf-8") == script(name, NETWORKS[name])
    numbers = sum(array.size for array in layers(NETWORKS[name].read_bytes())[1])
    tensors = onnx.load(NETWORKS[name]).graph.initializer
    stored = sum(
        numpy_helper.to_array(one).size for one in tensors if one.data_type == onnx.TensorProto.FLOAT
    )
    # Two numbers normalize the pixels; the graph counts axes and shapes too, which are code in the script.
    assert numbers + 2 == stored and 0 < graph_numbers(NETWORKS[name]) - stored < 10


def in_pytorch(path: Path, images: Tensor) -> Tensor:
    """The network by PyTorch's own operators, each weight rounded to half precision as the page has it."""
    chain, arrays = layers(path.read_bytes())
    weights = iter([torch.tensor(array.astype("<f2").astype(np.float32)) for array in arrays])
    x = images
    for layer in chain:
        match layer["kind"]:
            case "normalize":
                x = (x - layer["mean"]) / layer["std"]
            case "conv2d":
                sizes = {name: layer[name] for name in ("stride", "padding", "dilation", "groups")}
                x = F.conv2d(x, next(weights), next(weights), **sizes)
            case "maxPool2d":
                x = F.max_pool2d(x, layer["kernelSize"], layer["stride"], layer["padding"])
            case "globalAveragePool":
                x = F.adaptive_avg_pool2d(x, 1)
            case "linear":
                x = F.linear(x.flatten(1), next(weights), next(weights))
            case "relu":
                x = F.relu(x)
            case other:
                raise AssertionError(other)
    return x


@pytest.mark.parametrize(("name", "least"), [("mnist_20k", 0.992), ("mlp_mnist", 0.96)])
def test_the_network_answers_as_pytorchs_does_on_a_thousand_test_images(scripts, name, least):
    """With the weights as stored within 1e-5 of the largest logit; as accurate as in single precision."""
    try:
        test = mnist("test", allow_digits=False)[:1000]
    except Exception as error:  # not had here; in CI the data lie next to the checkout
        pytest.skip(str(error))
    packed = [base64.b64encode(image.numpy().tobytes()).decode() for image in test.images]
    found = np.array(scripts.evaluate(READ, [name, packed]))
    pixels = test.images[:, None].numpy().astype(np.float32) / 255
    stored = in_pytorch(NETWORKS[name], torch.from_numpy(pixels)).numpy()
    full = onnxruntime.InferenceSession(NETWORKS[name]).run(None, {"images": pixels})[0]
    labels = test.labels.numpy()
    difference = np.abs(found - stored).max() / np.abs(stored).max()
    accuracy, in_full = ((logits.argmax(1) == labels).mean() for logits in (found, full))
    print(f"{name}: {accuracy:.1%}, in single precision {in_full:.1%}; logits differ by {difference:.1e}")
    print(f"halves change logits by {np.abs(full - stored).max() / np.abs(full).max():.1e}")
    assert difference <= 1e-5
    assert accuracy == in_full >= least
