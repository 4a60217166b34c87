"""What noise and shifts cost ordinary networks that were trained for three epochs only.

    python benchmarks/fragile.py [--write]

A student's first network is not one of the reference networks: it has attention or another norm, sees each
image three times, and is handed in. Each is
trained on one thread (half a minute to five minutes), kept
in _build/fragile, and judged as the grader judges it. `--write` keeps the table in benchmarks/results.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.networks import CLASSES, SHAPE, measured
from convcourse.data import mnist
from convcourse.export import export_network
from convcourse.network_rules import check, noise_of_rms
from convcourse.training import COLUMNS

ROOT = Path(__file__).resolve().parents[1]
KEPT, RESULTS = ROOT / "_build" / "fragile", Path(__file__).parent / "results" / "fragile.md"
EPOCHS, BATCH, RATE = 3, 128, 3e-3
STRONG = 1 / 16  # twice the noise that is asked of 20,000 numbers: why it is not more
Norm = Callable[[int], nn.Module]


class Attention(nn.Module):
    """Two blocks of four heads on patches of 4 x 4 pixels."""

    def __init__(self, width: int = 32, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.patch = nn.Conv2d(1, width, 4, stride=4)
        self.places = nn.Parameter(torch.randn(1, 49, width) * 0.02)
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {
                    "before": nn.LayerNorm(width),
                    "qkv": nn.Linear(width, 3 * width),
                    "out": nn.Linear(width, width),
                    "after": nn.LayerNorm(width),
                    "mlp": nn.Sequential(nn.Linear(width, 48), nn.GELU(), nn.Linear(48, width)),
                }
            )
            for _ in range(2)
        )
        self.head = nn.Linear(width, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Images [N, 1, 28, 28] in, logits [N, 10] out."""
        x = self.patch(images).flatten(2).mT + self.places
        for block in self.blocks:
            parts = block["qkv"](block["before"](x)).unflatten(-1, (3, self.heads, -1))  # type: ignore[index]
            query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
            mixed = (query @ key.mT / query.shape[-1] ** 0.5).softmax(-1) @ value
            x = x + block["out"](mixed.transpose(1, 2).flatten(2))  # type: ignore[index]
            x = x + block["mlp"](block["after"](x))  # type: ignore[index]
        return self.head(x.mean(1))


class Gate(nn.Module):
    """Squeeze and excitation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        small = channels // 4
        layers = [nn.Conv2d(channels, small, 1), nn.ReLU(), nn.Conv2d(small, channels, 1), nn.Sigmoid()]
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), *layers)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps in, maps of the same shape out."""
        return maps * self.gate(maps)


class Residual(nn.Module):
    """Two convolutions and what went in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second = block(channels, channels), block(channels, channels)[:2]
        self.inner = nn.Sequential(*first, *second)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps in, maps of the same shape out."""
        return F.relu(maps + self.inner(maps))


class Rows(nn.Module):
    """A GRU cell that reads the rows of an image."""

    def __init__(self, width: int = 56) -> None:
        super().__init__()
        self.width, self.cell, self.head = width, nn.GRUCell(28, width), nn.Linear(width, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Images [N, 1, 28, 28] in, logits [N, 10] out."""
        state = images.new_zeros(images.shape[0], self.width)
        for row in images[:, 0].unbind(1):
            state = self.cell(row, state)
        return self.head(state)


def block(in_channels: int, out_channels: int, norm: Norm = nn.BatchNorm2d) -> list[nn.Module]:
    """A 3 x 3 convolution, a norm, ReLU."""
    return [nn.Conv2d(in_channels, out_channels, 3, padding=1), norm(out_channels), nn.ReLU()]


def top(channels: int) -> list[nn.Module]:
    """Means of the maps and ten scores."""
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]


def plain(norm: Norm) -> nn.Module:
    """Three blocks."""
    pool = nn.MaxPool2d(2)
    return nn.Sequential(
        *block(1, 12, norm), pool, *block(12, 24, norm), pool, *block(24, 48, norm), *top(48)
    )


def gated() -> nn.Module:
    """Three blocks, two gates."""
    pool = nn.MaxPool2d(2)
    first, last = [*block(16, 32), Gate(32)], [*block(32, 40), Gate(40)]
    return nn.Sequential(*block(1, 16), pool, *first, pool, *last, *top(40))


def depthwise() -> nn.Module:
    """Depthwise convolutions, as in MobileNet."""
    layers: list[nn.Module] = [nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU6()]
    for before, after, stride in ((24, 48, 2), (48, 64, 2), (64, 96, 1)):
        layers += [nn.Conv2d(before, before, 3, stride, 1, groups=before), nn.BatchNorm2d(before), nn.ReLU6()]
        layers += [nn.Conv2d(before, after, 1), nn.BatchNorm2d(after), nn.ReLU6()]
    return nn.Sequential(*layers, *top(96))


def residual() -> nn.Module:
    """Three residual blocks."""
    pool = nn.MaxPool2d(2)
    blocks = [Residual(16), pool, Residual(16), Residual(16)]
    return nn.Sequential(*block(1, 16), pool, *blocks, *top(16))


def lenet() -> nn.Module:
    """LeNet-5 with narrower dense layers."""
    maps = [nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh()]
    dense = [nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 38), nn.Tanh(), nn.Linear(38, 10)]
    return nn.Sequential(*maps, *dense)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "attention": Attention,
    "InstanceNorm": lambda: plain(lambda channels: nn.InstanceNorm2d(channels, affine=True)),
    "GroupNorm": lambda: plain(lambda channels: nn.GroupNorm(4, channels)),
    "BatchNorm": lambda: plain(nn.BatchNorm2d),
    "squeeze and excitation": gated,
    "depthwise": depthwise,
    "residual": residual,
    "LeNet, narrow": lenet,
    "GRU cell over rows": Rows,
    "distilled": lambda: plain(nn.BatchNorm2d),
}
TEACHER = {"distilled": "squeeze and excitation"}


def trained(network: nn.Module, teacher: nn.Module | None) -> nn.Module:
    """After a few epochs on images that are moved by up to two pixels, a batch at a time."""
    train = mnist("train", allow_digits=False)
    images = torch.as_tensor(train.images).float()[:, None] / 255
    labels = torch.as_tensor(train.labels).long()
    steps = len(images) // BATCH
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=EPOCHS * steps)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(images))[: steps * BATCH].split(BATCH):
            down, right = torch.randint(-2, 3, (2,)).tolist()
            moved = images[chosen].roll((down, right), (2, 3))
            logits = network(moved)
            loss = F.cross_entropy(logits, labels[chosen])
            if teacher is not None:
                with torch.no_grad():
                    soft = (teacher(moved) / 2).softmax(1)
                loss = 0.3 * loss + 2.8 * F.kl_div((logits / 2).log_softmax(1), soft, reduction="batchmean")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def kept(name: str) -> Path:
    """The network's file, trained and exported where it is not there yet."""
    folder = KEPT / name.replace(" ", "_")
    if not (folder / "network.onnx").exists():
        torch.manual_seed(0)
        teacher = None
        if name in TEACHER:
            source = kept(TEACHER[name]).with_name("weights.pt")
            teacher = NETWORKS[TEACHER[name]]()
            teacher.load_state_dict(torch.load(source, weights_only=True))
            teacher.eval()
        network = trained(NETWORKS[name](), teacher)
        row = dict(zip(COLUMNS, (EPOCHS, 0.5, 0.84, 0.2, 0.93, 7.5), strict=True))
        export_network(network, [row], folder)
        torch.save(network.state_dict(), folder / "weights.pt")
    return folder / "network.onnx"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        "# Ordinary networks after three epochs, under noise and shifts",
        "",
        "One seed each. From 98 % on, noise may cost 0.3 points. Regenerate: `python benchmarks/fragile.py"
        " --write`.",
        "",
        "| network | numbers in the graph | noise, of rms | as it is | with noise | points lost"
        " | lost at 1/16 | shifted |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in NETWORKS:
        checked = check(kept(name).read_bytes(), SHAPE, CLASSES)
        noise = noise_of_rms(checked.numbers)
        found = measured(checked.model, noise)
        lost = 100 * (found.plain - found.noisy)
        strong = measured(checked.model, STRONG)
        more = 100 * (strong.plain - strong.noisy)
        lines.append(
            f"| {name} | {checked.numbers:,} | 1/{1 / noise:.0f} | {found.plain:.2%} | {found.noisy:.2%} |"
            f" {lost:.2f} | {more:.2f} | {found.shifted:.2%} |"
        )
        print(lines[-1], flush=True)
    if options.write:
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
