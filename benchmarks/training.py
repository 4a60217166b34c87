"""How long a training takes: our loop and a plain PyTorch tutorial loop, on the same network in one run.

    python benchmarks/training.py [--epochs 3] [--target 0.98] [--device cpu] [--threads 1] [--write]

The network, batch size, optimizer and schedule are mnist_20k's. The tutorial loop is the one that textbooks
teach: torchvision's MNIST, a transform that moves and turns one picture after the other, a DataLoader without
and with two workers, zero_grad, backward, step. Each loop runs in a process of its own. Measured: seconds per
epoch with its validation, seconds until the validation accuracy first reaches the target, the memory of the
loop's processes, how near a training step comes to the machine's own limits (its measured rate of
multiplications and its memory bandwidth, against the operations and bytes counted in the network), and what
the order of memory, the arithmetic and compilation do to a step.
Figures are of the machine they were measured on; the ratios are what travels. `--write` keeps the table in
benchmarks/results. Capsule routing has a program of its own, benchmarks/routing.py.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import torch
from torch import nn
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for `solutions`, which is not installed
VALIDATION = 5_000


# The two loops: each returns a row per epoch, {"seconds", "valid_accuracy"}.


def ours(epochs: int, device: str, images: int) -> list[dict[str, float]]:
    from convcourse.data import mnist, split
    from convcourse.training import fit, set_seed
    from solutions.training import mnist_20k

    train, valid = split(mnist("train", allow_digits=False), VALIDATION)
    set_seed(0)
    recipe = replace(mnist_20k.RECIPE, epochs=epochs, ema_decay=0.0)  # the tutorial has no moving average
    return fit(mnist_20k.build(), train[:images], valid, recipe, device=device, progress=False).rows


def tutorial(epochs: int, device: str, images: int, workers: int) -> list[dict[str, float]]:
    from torch.utils.data import DataLoader, Subset
    from torchvision import datasets, transforms

    from solutions.training import mnist_20k

    recipe = mnist_20k.RECIPE
    move = transforms.RandomAffine(  # what the recipe's random_affine does, in torchvision's units
        degrees=12.0,
        translate=(2.5 / 28, 2.5 / 28),
        scale=(1 / 1.15, 1.15),
        shear=8.5,  # degrees: about 0.15 columns per row
        interpolation=transforms.InterpolationMode.BILINEAR,
    )
    folder = os.environ.get("CONVCOURSE_DATA", "data")
    with_moves = datasets.MNIST(folder, transform=transforms.Compose([move, transforms.ToTensor()]))
    as_they_are = datasets.MNIST(folder, transform=transforms.ToTensor())
    order = torch.randperm(len(with_moves), generator=torch.Generator().manual_seed(0)).tolist()
    train = Subset(with_moves, order[VALIDATION:][:images])
    valid = Subset(as_they_are, order[:VALIDATION])
    train_loader = DataLoader(train, recipe.batch_size, shuffle=True, num_workers=workers)
    valid_loader = DataLoader(valid, 1000, num_workers=workers)

    torch.manual_seed(0)
    model = mnist_20k.build().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    steps = epochs * len(train_loader)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, steps, pct_start=0.25)
    loss_function = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
    rows = []
    for _ in range(epochs):
        begun = time.perf_counter()
        model.train()
        for x, y in train_loader:
            x, y = x.to(device), y.to(device)
            optimizer.zero_grad()
            loss = loss_function(model(x), y)
            loss.backward()
            optimizer.step()
            schedule.step()
        model.eval()
        correct = 0
        with torch.no_grad():
            for x, y in valid_loader:
                correct += (model(x.to(device)).argmax(1) == y.to(device)).sum().item()
        rows.append({"valid_accuracy": correct / len(valid), "seconds": time.perf_counter() - begun})
    return rows


LOOPS = {
    "our loop": ours,
    "tutorial, DataLoader": lambda *how: tutorial(*how, workers=0),
    "tutorial, DataLoader with 2 workers": lambda *how: tutorial(*how, workers=2),
}


def apart(name: str, options: argparse.Namespace) -> tuple[list[dict[str, float]], float, float]:
    """Run a loop in a process of its own: its rows, the most memory of it and its workers in GiB (shared
    pages count once), and the GPU memory in GiB that it reserved."""
    command = [
        sys.executable,
        __file__,
        "--only",
        name,
        "--epochs",
        options.epochs,
        "--images",
        options.images,
    ]
    command += ["--device", options.device, "--threads", options.threads]
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    most, stop = [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.5):
            total = 0
            try:
                parent = psutil.Process(process.pid)
                for each in [parent, *parent.children(recursive=True)]:
                    total += each.memory_full_info().pss
            except psutil.Error:
                continue
            most[0] = max(most[0], total / 2**30)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        said = process.communicate()[0]
    finally:
        stop.set()
        thread.join()
    if process.returncode:
        raise SystemExit(f"{name} failed")
    result = json.loads(said.splitlines()[-1])
    return result["rows"], most[0], result["gpu_gib"]


# The machine's limits, and what one image costs.


def per_second(work: float, call, device: torch.device, seconds: float = 2.0) -> float:
    """`work` done by one `call`, a second: the best of several calls."""
    best, begun = float("inf"), time.perf_counter()
    calls = 0
    while calls < 3 or time.perf_counter() - begun < seconds:
        _wait(device)
        before = time.perf_counter()
        call()
        _wait(device)
        best, calls = min(best, time.perf_counter() - before), calls + 1
    return work / best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def limits(device: torch.device, dtype: torch.dtype) -> dict[str, float]:
    """Operations per second in a large matrix product and a large convolution, bytes per second in a copy."""
    size = 8192 if device.type == "cuda" else 1536
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    many = 64 if device.type == "cuda" else 4
    images = torch.randn(many, 128, 56, 56, device=device, dtype=dtype).to(memory_format=torch.channels_last)
    weights = torch.randn(128, 128, 3, 3, device=device, dtype=dtype).to(memory_format=torch.channels_last)
    long = torch.zeros(2**27, dtype=torch.uint8, device=device)
    target = torch.empty_like(long)
    with torch.no_grad():
        return {
            "matrix product": per_second(2 * size**3, lambda: a @ b, device),
            "convolution": per_second(
                2 * many * 56**2 * 9 * 128**2, lambda: F.conv2d(images, weights, padding=1), device
            ),
            "memory": per_second(2 * len(long), lambda: target.copy_(long), device),
        }


def costs(network: nn.Module, images: torch.Tensor, labels: torch.Tensor, width: int) -> tuple[float, float]:
    """Operations and bytes of one training step for one image.

    Operations are the multiplications and additions of convolutions and matrix products, forward and
    backward, as PyTorch counts them. Bytes are what must move if every layer reads its input and writes its
    output once forward, and backward reads both with the gradient that comes and writes the one that goes: no
    cache spans a layer, no layer is read twice.
    """
    from torch.utils.flop_counter import FlopCounterMode

    moved = []

    def count(_, inputs, output):
        moved.append(width * (3 * inputs[0].numel() + 3 * output.numel()))

    leaves = [layer for layer in network.modules() if not list(layer.children())]
    hooks = [layer.register_forward_hook(count) for layer in leaves]
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(network(images), labels).backward()
    for hook in hooks:
        hook.remove()
    return counter.get_total_flops() / len(images), sum(moved) / len(images)


def step_rate(
    device: torch.device, precision: str, batch_size: int, *, as_fit_does: bool = True, compiled: bool = False
) -> tuple[float, float, float]:
    """Images a second in training steps alone (images at hand, nothing augmented), and an image's costs;
    with the tensors in channels-last order, as `fit` has them, or else in PyTorch's own."""
    from convcourse.training import adamw
    from convcourse.training.device import autocast, move
    from solutions.training import mnist_20k

    torch.manual_seed(0)
    network = mnist_20k.build().to(device)
    if as_fit_does:
        move(network, device)
    images, labels = (
        torch.rand(batch_size, 1, 28, 28, device=device),
        torch.arange(batch_size, device=device) % 10,
    )
    width = 2 if precision == "bfloat16" else 4
    operations, moved = costs(network, images, labels, width)
    optimizer = adamw(network.parameters(), 1e-3, 0.0)
    called = torch.compile(network) if compiled else network

    def step() -> None:
        with autocast(device, precision):
            loss = F.cross_entropy(called(images), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return per_second(batch_size, step, device, seconds=5), operations, moved


# The report.


def loops_table(options: argparse.Namespace, say) -> float:
    """Both loops; the best epoch of ours in seconds."""
    head = ["loop", "seconds, best epoch", "times ours", f"seconds to {options.target:.1%}", "times ours"]
    say(f"| {' | '.join([*head, 'memory, GiB'])} |")
    say("|---|---|---|---|---|---|")
    base: tuple[float, float | None] = (0.0, None)
    for name in LOOPS:
        rows, memory, on_gpu = apart(name, options)
        epoch = min(row["seconds"] for row in rows)
        reached = time_to(options.target, rows)
        if name == "our loop":
            base = epoch, reached
        ratio = f"{reached / base[1]:.1f}" if reached and base[1] else "–"
        there = (
            f"{reached:.1f}" if reached else f"not in {len(rows)} epochs ({rows[-1]['valid_accuracy']:.2%})"
        )
        gpu = f" + {on_gpu:.2f} on the GPU" if on_gpu else ""
        say(f"| {name} | {epoch:.2f} | {epoch / base[0]:.1f} | {there} | {ratio} | {memory:.2f}{gpu} |")
    return base[0]


def time_to(target: float, rows: list[dict[str, float]]) -> float | None:
    """Seconds until an epoch's validation accuracy reaches the target; None where none does."""
    spent = 0.0
    for row in rows:
        spent += row["seconds"]
        if row["valid_accuracy"] >= target:
            return spent
    return None


def limits_table(options: argparse.Namespace, epoch: float, say) -> None:
    """What the machine could do at most, and what a training step does."""
    from convcourse.training import choose_precision

    device = torch.device(options.device)
    precision = choose_precision("auto", device)
    can = limits(device, torch.bfloat16 if precision == "bfloat16" else torch.float32)
    rate, operations, moved = step_rate(device, precision, batch_size=256)
    whole = options.images / epoch
    head = [f"the machine's limit, {precision}", "measured", "images per second at most"]
    say(
        "",
        f"One image of a training step: {operations / 1e6:.1f} million operations, {moved / 1e6:.2f} MB.",
        "",
        f"| {' | '.join([*head, 'of it: steps', 'of it: training'])} |",
        "|---|---|---|---|---|",
    )
    work = {"matrix product": operations, "convolution": operations, "memory": moved}
    for name, cost in work.items():
        most, unit = can[name] / cost, "GB/s" if name == "memory" else "GFLOP/s"
        cells = [
            name,
            f"{can[name] / 1e9:.0f} {unit}",
            f"{most:,.0f}",
            f"{rate / most:.0%}",
            f"{whole / most:.0%}",
        ]
        say(f"| {' | '.join(cells)} |")
    say(
        "",
        f"Steps alone: {rate:,.0f} images per second; training with augmentation and validation: "
        f"{whole:,.0f}.",
    )


def choices_table(options: argparse.Namespace, say) -> None:
    """What device.py chooses between, measured here: the same training step in each way."""
    device = torch.device(options.device)
    ways = {
        "float32, channels-last": ("float32", {}),
        "float32, PyTorch's own order": ("float32", {"as_fit_does": False}),
        "bfloat16, channels-last": ("bfloat16", {}),
        "float32, channels-last, compiled": ("float32", {"compiled": True}),
        "bfloat16, channels-last, compiled": ("bfloat16", {"compiled": True}),
    }
    say("", "| a training step | images per second | times the first |", "|---|---|---|")
    first = 0.0
    for name, (precision, how) in ways.items():
        rate, _, _ = step_rate(device, precision, batch_size=256, **how)
        first = first or rate
        say(f"| {name} | {rate:,.0f} | {rate / first:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument(
        "--images", type=int, default=55_000, help="of MNIST's training images, at most 55,000"
    )
    parser.add_argument("--target", type=float, default=0.98)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", choices=LOOPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.only:
        rows = LOOPS[options.only](options.epochs, options.device, options.images)
        on_gpu = torch.cuda.max_memory_reserved() / 2**30 if options.device != "cpu" else 0.0
        print(json.dumps({"rows": rows, "gpu_gib": on_gpu}))
        return
    lines: list[str] = []

    def say(*more: str) -> None:
        lines.extend(more)
        print("\n".join(more), flush=True)

    place = (
        torch.cuda.get_device_name()
        if options.device != "cpu"
        else f"{options.threads} of {os.cpu_count()} cores"
    )
    words = [f"--{name} {value}" for name, value in vars(options).items() if name not in ("write", "only")]
    say(
        "# Training mnist_20k",
        "",
        f"{place}, Python {platform.python_version()}, torch {torch.__version__}; load before:"
        f" {os.getloadavg()[0]:.1f}. {options.epochs} epochs of {options.images:,} images in batches of 256."
        f" Regenerate: `python benchmarks/training.py {' '.join(words)} --write`.",
        "",
    )
    limits_table(options, loops_table(options, say), say)
    choices_table(options, say)
    if options.write:
        results = ROOT / "benchmarks" / "results"
        results.mkdir(exist_ok=True)
        (results / "training.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
