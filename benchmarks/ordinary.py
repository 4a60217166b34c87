"""What becomes of ordinary networks: about a hundred architectures, exported and held against the rules.

    python benchmarks/ordinary.py [NAME...] [--write]

Each is a small network for images [N, 1, 28, 28] with random weights, written as a student would write it and
exported by `convcourse.export`, which runs the grader's own rules. A row says how many numbers its graph
holds, or why it is refused, in the words that the student reads. `--write` keeps the table in
benchmarks/results.
"""

import argparse
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convcourse.export import ExportError, export_network
from convcourse.training import COLUMNS

RESULTS = Path(__file__).parent / "results" / "ordinary.md"
ROW = dict(zip(COLUMNS, (1, 0.5, 0.84, 0.2, 0.93, 7.5), strict=True))


class Of(nn.Module):
    """A network whose forward pass is a function of the images and of its parts."""

    def __init__(self, forward: Callable[..., Tensor], **parts: nn.Module | Tensor) -> None:
        super().__init__()
        self.how = forward
        for name, part in parts.items():
            setattr(self, name, nn.Parameter(part) if isinstance(part, Tensor) else part)

    def forward(self, images: Tensor) -> Tensor:
        """Images in, logits out."""
        return self.how(self, images)


def seq(*layers: nn.Module) -> nn.Sequential:
    """The layers, then a mean of each map and ten scores of eight maps."""
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


def conv(*given: int, **more: object) -> nn.Conv2d:
    """A convolution from one map to eight, or what is given."""
    return nn.Conv2d(*(given or (1, 8, 3)), **more)


def after(operation: Callable[[Tensor], Tensor], maps: int = 8) -> nn.Module:
    """A convolution, the operation on its maps, ten scores of the maps' means."""
    return Of(
        lambda net, x: net.head(operation(net.conv(x)).mean((2, 3))), conv=conv(), head=nn.Linear(maps, 10)
    )


def flat(operation: Callable[[Tensor], Tensor], size: int) -> nn.Module:
    """The operation on the images, then ten scores of the `size` numbers that it leaves."""
    return Of(lambda net, x: net.head(operation(x)), head=nn.Linear(size, 10))


class Cell(nn.Module):
    """A recurrent cell over the rows of an image."""

    def __init__(self, cell: nn.Module, size: int, begin: str) -> None:
        super().__init__()
        self.cell, self.head, self.size, self.begin = cell, nn.Linear(size, 10), size, begin

    def forward(self, images: Tensor) -> Tensor:
        """The scores after the last row."""
        state = None if self.begin == "none" else images.new_zeros(images.shape[0], self.size)
        for row in images[:, 0].unbind(1):
            state = self.cell(row, state)
        hidden = state[0] if isinstance(state, tuple) else state
        return self.head(hidden)


class Recurrent(nn.Module):
    """A recurrent layer over the rows of an image."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(16, 10)

    def forward(self, images: Tensor) -> Tensor:
        """The scores after the last row."""
        return self.head(self.layer(images[:, 0])[0][:, -1])


def attention(net: Of, images: Tensor) -> Tensor:
    """One head on the 49 patches of 4 x 4 pixels."""
    x = net.patch(images).flatten(2).transpose(1, 2) + net.places
    query, key, value = net.qkv(x).chunk(3, -1)
    return net.head((x + (query @ key.mT / 4).softmax(-1) @ value).mean(1))


def heads(net: Of, images: Tensor) -> Tensor:
    """Two heads on the patches, by PyTorch's own function."""
    x = net.patch(images).flatten(2).mT
    query, key, value = net.qkv(x).unflatten(-1, (3, 2, 8)).permute(2, 0, 3, 1, 4).unbind(0)
    return net.head(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2).mean(1))


def squeeze(net: Of, images: Tensor) -> Tensor:
    x = net.conv(images)
    return net.head((x * net.gate(x.mean((2, 3)))[:, :, None, None]).mean((2, 3)))


def residual(net: Of, images: Tensor) -> Tensor:
    x = F.relu(net.conv(images))
    return net.head(F.relu(x + net.norm(net.inner(x))).mean((2, 3)))


def dense(net: Of, images: Tensor) -> Tensor:
    x = F.relu(net.conv(images))
    return net.head(torch.cat([x, F.relu(net.inner(x))], 1).mean((2, 3)))


def inception(net: Of, images: Tensor) -> Tensor:
    return net.head(
        torch.cat([net.small(images), net.large(images), F.max_pool2d(images, 3, 1, 1)], 1).mean((2, 3))
    )


def branching(x: Tensor) -> Tensor:
    return x * 2 if x.mean() > 0 else x


def patches() -> dict[str, nn.Module | Tensor]:
    return {"patch": nn.Conv2d(1, 16, 4, 4), "qkv": nn.Linear(16, 48), "head": nn.Linear(16, 10)}


def mixer(net: Of, images: Tensor) -> Tensor:
    x = net.patch(images).flatten(2).mT
    x = x + net.tokens(net.norm(x).mT).mT
    return net.head((x + net.channels(net.norm(x))).mean(1))


def shared(net: Of, images: Tensor) -> Tensor:
    x = net.conv(images)
    for _ in range(3):
        x = F.relu(net.inner(x))
    return net.head(x.mean((2, 3)))


def turned(net: Of, images: Tensor) -> Tensor:
    return sum(net.head(net.conv(torch.rot90(images, n, (2, 3))).mean((2, 3))) for n in range(4)) / 4


def separable() -> list[nn.Module]:
    return [conv(), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 8, 1), nn.ReLU()]


ORDER = torch.randperm(784, generator=torch.Generator().manual_seed(0))
HEAD = {"head": nn.Linear(8, 10)}
ACTIVATIONS = [
    "ReLU",
    "ReLU6",
    "LeakyReLU",
    "PReLU",
    "ELU",
    "SELU",
    "CELU",
    "GELU",
    "SiLU",
    "Mish",
    "Hardswish",
    "Hardsigmoid",
    "Hardtanh",
    "Sigmoid",
    "Tanh",
    "Softplus",
    "Softsign",
    "Tanhshrink",
    "LogSigmoid",
    "Softshrink",
    "Hardshrink",
]

ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {
    # convolutions
    "convolution": lambda: seq(conv(), nn.ReLU()),
    "convolution without bias": lambda: seq(conv(1, 8, 3, bias=False), nn.ReLU()),
    "stride and padding": lambda: seq(conv(1, 8, 5, stride=2, padding=2), nn.ReLU()),
    "padding='same'": lambda: seq(conv(1, 8, 4, padding="same"), nn.ReLU()),
    "padding_mode='reflect'": lambda: seq(conv(1, 8, 3, padding=1, padding_mode="reflect"), nn.ReLU()),
    "padding_mode='replicate'": lambda: seq(conv(1, 8, 3, padding=1, padding_mode="replicate")),
    "padding_mode='circular'": lambda: seq(conv(1, 8, 3, padding=1, padding_mode="circular")),
    "dilation": lambda: seq(conv(1, 8, 3, dilation=2), nn.ReLU()),
    "groups": lambda: seq(conv(), conv(8, 8, 3, groups=4), nn.ReLU()),
    "depthwise separable": lambda: seq(*separable()),
    "1 x 1": lambda: seq(conv(), nn.ReLU(), conv(8, 8, 1)),
    "ConvTranspose2d": lambda: seq(conv(1, 4, 3, stride=2), nn.ConvTranspose2d(4, 8, 2, 2)),
    "Conv1d over rows": lambda: Of(
        lambda net, x: net.head(F.relu(net.rows(x[:, 0])).mean(2)), rows=nn.Conv1d(28, 8, 3), **HEAD
    ),
    "ConvTranspose2d with output_padding": lambda: seq(
        conv(1, 4, 3, stride=2), nn.ConvTranspose2d(4, 8, 3, 2, output_padding=1)
    ),
    "asymmetric kernels": lambda: seq(conv(1, 8, (1, 5)), conv(8, 8, (5, 1))),
    # norms
    "BatchNorm2d": lambda: seq(conv(), nn.BatchNorm2d(8), nn.ReLU()),
    "BatchNorm2d before the convolution": lambda: seq(nn.BatchNorm2d(1), conv()),
    "BatchNorm2d without statistics": lambda: seq(conv(), nn.BatchNorm2d(8, track_running_stats=False)),
    "BatchNorm1d": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 16), nn.BatchNorm1d(16), nn.Linear(16, 10)
    ),
    "GroupNorm": lambda: seq(conv(), nn.GroupNorm(2, 8), nn.ReLU()),
    "InstanceNorm2d": lambda: seq(conv(), nn.InstanceNorm2d(8), nn.ReLU()),
    "InstanceNorm2d with affine": lambda: seq(conv(), nn.InstanceNorm2d(8, affine=True), nn.ReLU()),
    "LayerNorm of maps": lambda: seq(conv(1, 8, 3, stride=4), nn.LayerNorm([8, 7, 7]), nn.ReLU()),
    "LayerNorm of channels": lambda: after(lambda x: F.layer_norm(x.movedim(1, -1), (8,)).movedim(-1, 1)),
    "LayerNorm of a vector": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 16), nn.LayerNorm(16), nn.Linear(16, 10)
    ),
    "RMSNorm": lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.RMSNorm(16), nn.Linear(16, 10)),
    "LocalResponseNorm": lambda: seq(conv(), nn.LocalResponseNorm(3)),
    "weight_norm": lambda: seq(nn.utils.parametrizations.weight_norm(conv()), nn.ReLU()),
    "spectral_norm": lambda: seq(nn.utils.parametrizations.spectral_norm(conv()), nn.ReLU()),
    "F.normalize": lambda: after(lambda x: F.normalize(x, dim=1)),
    "standardize each image": lambda: flat(
        lambda x: ((x - x.mean((1, 2, 3), keepdim=True)) / (x.std((1, 2, 3), keepdim=True) + 1e-3)).flatten(
            1
        ),
        784,
    ),
    # activations
    **{name: (lambda kind=name: seq(conv(), getattr(nn, kind)())) for name in ACTIVATIONS},
    "GELU by tanh": lambda: seq(conv(), nn.GELU("tanh")),
    "Softmax of maps": lambda: seq(conv(), nn.Softmax(1)),
    "GLU": lambda: after(lambda x: F.glu(x, 1), maps=4),
    "maxout": lambda: after(lambda x: torch.maximum(x[:, :4], x[:, 4:]), maps=4),
    "torch.where(x < 0)": lambda: after(lambda x: torch.where(x < 0, 0.1 * x, x)),
    "x * (x > 0)": lambda: after(lambda x: x * (x > 0)),
    "clamp": lambda: after(lambda x: x.clamp(-1, 1)),
    "x.abs() and x ** 2": lambda: after(lambda x: x.abs() + x**2),
    "sine": lambda: after(torch.sin),
    "Dropout": lambda: seq(conv(), nn.ReLU(), nn.Dropout(0.3)),
    "Dropout2d": lambda: seq(conv(), nn.ReLU(), nn.Dropout2d(0.3)),
    # pooling and sizes
    "MaxPool2d": lambda: seq(conv(), nn.MaxPool2d(2)),
    "MaxPool2d with ceil_mode": lambda: seq(conv(), nn.MaxPool2d(3, 2, ceil_mode=True)),
    "AvgPool2d": lambda: seq(conv(), nn.AvgPool2d(3, 2, 1)),
    "LPPool2d": lambda: seq(conv(), nn.LPPool2d(2, 2)),
    "AdaptiveAvgPool2d(7)": lambda: nn.Sequential(
        conv(1, 8, 3, padding=1), nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(392, 10)
    ),
    "AdaptiveAvgPool2d(5)": lambda: nn.Sequential(
        conv(), nn.AdaptiveAvgPool2d(5), nn.Flatten(), nn.Linear(200, 10)
    ),
    "AdaptiveMaxPool2d(1)": lambda: nn.Sequential(
        conv(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(8, 10)
    ),
    "amax over maps": lambda: Of(lambda net, x: net.head(net.conv(x).amax((2, 3))), conv=conv(), **HEAD),
    "logsumexp over maps": lambda: Of(
        lambda net, x: net.head(net.conv(x).logsumexp((2, 3))), conv=conv(), **HEAD
    ),
    "standard deviation of maps": lambda: Of(
        lambda net, x: net.head(net.conv(x).std((2, 3))), conv=conv(), **HEAD
    ),
    "Upsample": lambda: seq(conv(1, 8, 3, stride=2), nn.Upsample(scale_factor=2)),
    "bilinear F.interpolate": lambda: after(lambda x: F.interpolate(x, size=(14, 14), mode="bilinear")),
    "PixelShuffle": lambda: seq(conv(1, 32, 3, stride=2), nn.PixelShuffle(2)),
    "PixelUnshuffle": lambda: seq(nn.PixelUnshuffle(2), conv(4, 8, 3)),
    "channel shuffle": lambda: seq(conv(), nn.ChannelShuffle(2), conv(8, 8, 3, groups=2)),
    "F.pad": lambda: after(lambda x: F.pad(x, (1, 2, 0, 1))),
    "ZeroPad2d": lambda: seq(nn.ZeroPad2d(2), conv()),
    "unfold": lambda: Of(
        lambda net, x: net.head(F.relu(net.each(F.unfold(x, 4, stride=4).mT)).mean(1)),
        each=nn.Linear(16, 8),
        **HEAD,
    ),
    # flattening, cutting, joining
    "Flatten": lambda: nn.Sequential(conv(1, 4, 5, stride=4), nn.Flatten(), nn.Linear(144, 10)),
    "view(x.size(0), -1)": lambda: flat(lambda x: x.view(x.size(0), -1), 784),
    "reshape(len(x), 784)": lambda: flat(lambda x: x.reshape(len(x), 784), 784),
    "reshape(-1, 784)": lambda: flat(lambda x: x.reshape(-1, 784), 784),
    "flatten(1)": lambda: flat(lambda x: x.flatten(1), 784),
    "squeeze": lambda: flat(lambda x: x.mean(3).squeeze(1), 28),
    "einsum": lambda: Of(
        lambda net, x: torch.einsum("nhw,hwk->nk", x[:, 0], net.weight), weight=torch.randn(28, 28, 10)
    ),
    "bilinear form": lambda: Of(
        lambda net, x: (net.left @ x[:, 0] @ net.right).flatten(1)[:, :10],
        left=torch.randn(4, 28),
        right=torch.randn(28, 4),
    ),
    "slices": lambda: flat(lambda x: x[:, 0, 4:24:2, 4:24:2].flatten(1), 100),
    "a border cut off": lambda: seq(Of(lambda _, x: x[:, :, 2:-2, 2:-2]), conv()),
    "index_select": lambda: flat(lambda x: x.flatten(1)[:, torch.arange(0, 784, 7)], 112),
    "a fixed order of pixels": lambda: flat(lambda x: x.flatten(1)[:, ORDER], 784),
    "torch.flip": lambda: after(lambda x: x + x.flip(3)),
    "torch.roll": lambda: after(lambda x: x - x.roll(1, 3)),
    "cumsum": lambda: after(lambda x: x.cumsum(3)),
    "rows and columns": lambda: flat(lambda x: torch.cat([x.mean(2), x.mean(3)], 2).flatten(1), 56),
    # whole ideas
    "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
    "two layers": lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 20), nn.ReLU(), nn.Linear(20, 10)),
    "LogSoftmax at the end": lambda: nn.Sequential(seq(conv(), nn.ReLU()), nn.LogSoftmax(1)),
    "residual": lambda: Of(
        residual, conv=conv(), inner=conv(8, 8, 3, padding=1), norm=nn.BatchNorm2d(8), **HEAD
    ),
    "dense block": lambda: Of(dense, conv=conv(), inner=conv(8, 8, 3, padding=1), head=nn.Linear(16, 10)),
    "inception": lambda: Of(inception, small=conv(1, 4, 1), large=conv(1, 3, 5, padding=2), **HEAD),
    "squeeze and excitation": lambda: Of(
        squeeze,
        conv=conv(),
        gate=nn.Sequential(nn.Linear(8, 2), nn.ReLU(), nn.Linear(2, 8), nn.Sigmoid()),
        **HEAD,
    ),
    "attention": lambda: Of(attention, places=torch.randn(49, 16), **patches()),
    "scaled_dot_product_attention": lambda: Of(heads, **patches()),
    "MultiheadAttention": lambda: Of(
        lambda net, x: net.head(net.mix(*[net.patch(x).flatten(2).mT] * 3, need_weights=False)[0].mean(1)),
        mix=nn.MultiheadAttention(16, 2, batch_first=True),
        **patches(),
    ),
    "TransformerEncoderLayer": lambda: Of(
        lambda net, x: net.head(net.mix(net.patch(x).flatten(2).mT).mean(1)),
        mix=nn.TransformerEncoderLayer(16, 2, 32, batch_first=True),
        **patches(),
    ),
    "mixer": lambda: Of(
        mixer, norm=nn.LayerNorm(16), tokens=nn.Linear(49, 49), channels=nn.Linear(16, 16), **patches()
    ),
    "one layer used three times": lambda: Of(shared, conv=conv(), inner=conv(8, 8, 3, padding=1), **HEAD),
    "test-time augmentation": lambda: Of(turned, conv=conv(), **HEAD),
    "GRUCell over rows": lambda: Cell(nn.GRUCell(28, 16), 16, "zeros"),
    "LSTMCell over rows": lambda: Cell(nn.LSTMCell(28, 16), 16, "none"),
    "RNNCell over rows": lambda: Cell(nn.RNNCell(28, 16), 16, "zeros"),
    # what cannot be counted or judged, and is told
    "GRU": lambda: Recurrent(nn.GRU(28, 16, batch_first=True)),
    "LSTM": lambda: Recurrent(nn.LSTM(28, 16, batch_first=True)),
    "an if on the images": lambda: after(branching),
    "random noise": lambda: after(lambda x: x + torch.randn_like(x)),
    "topk": lambda: flat(lambda x: x.flatten(1).topk(50)[0], 50),
    "argmax as a position": lambda: flat(lambda x: x.mean(3).squeeze(1) + x.flatten(1).argmax(1, True), 28),
    "half precision": lambda: after(lambda x: x.half().float()),
    "double precision": lambda: after(lambda x: x.double().float()),
    "Fourier transform": lambda: flat(lambda x: torch.fft.rfft2(x).abs().flatten(1), 420),
    "LSTM with three outputs": lambda: nn.Sequential(nn.Flatten(1, 2), nn.LSTM(28, 10, batch_first=True)),
}


def judged(name: str) -> tuple[int, str]:
    """A network's numbers in the graph, and why it is refused; one of them is 0 or empty.

    >>> judged("linear")
    (7850, '')
    """
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = ARCHITECTURES[name]()
        try:
            return export_network(network, [ROW], folder).numbers_in_graph, ""
        except ExportError as refused:
            return 0, " ".join(str(refused).split())


def table(found: dict[str, tuple[int, str]]) -> str:
    """The results as Markdown."""
    accepted = sum(numbers > 0 for numbers, _ in found.values())
    lines = [
        "# Ordinary networks and the rules",
        "",
        f"Of {len(found)} architectures {accepted} are accepted and {len(found) - accepted} refused, on",
        f"the student's own machine (torch {torch.__version__.split('+')[0]}). Regenerate: `python"
        " benchmarks/ordinary.py --write`.",
        "",
        "| network | numbers in the graph | refused because |",
        "|---|---|---|",
    ]
    for name, (numbers, why) in found.items():
        lines.append(f"| {name} | {f'{numbers:,}' if numbers else ''} | {why.replace('|', '/')} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    found = {}
    for name in options.names or ARCHITECTURES:
        found[name] = judged(name)
        print(name, *found[name], flush=True)
    if options.write:
        RESULTS.write_text(table(found), encoding="utf-8")


if __name__ == "__main__":
    main()
