"""MNIST with 19,422 parameters: at least 99.4 % of the test images in three seeds of three, on two CPU cores.

    python solutions/training/mnist_20k.py                # three seeds, a few minutes each on a processor
    python solutions/training/mnist_20k.py --device cuda  # the same recipe on a GPU, into a folder of its own
    python solutions/training/mnist_20k.py --quick        # one seed, one epoch, nothing written: does it run?

Of the 60,000 training images, 5,000 are set aside for validation. Network and recipe were chosen on those
alone. The 10,000 test images are loaded when the last network is trained, and measured once, on the weights
of the last epoch. What comes out goes to runs/DATE_mnist_20k_DEVICE/: README.md, log.csv, metrics.json,
curves.svg, and a folder a seed with the network as ONNX and the log that belongs to it.

A GPU changes the time, not the recipe: images and augmentation live on the device, so no step waits for the
processor. Its random numbers are others, so its seeds give other networks of the same kind.
"""

import argparse
import sys
import time
from pathlib import Path

import record
import torch
from torch import nn

from convcourse.arithmetic import count_parameters
from convcourse.data import mnist, split
from convcourse.export import export_network
from convcourse.training import Normalize, choose_device, evaluate, fit, random_affine, set_seed

RUNS = Path(__file__).parent / "runs"
VALIDATION = 5_000
AUGMENT = {"shift": 2.5, "rotate": 12.0, "scale": 0.15, "shear": 0.15}
RECIPE = {
    "epochs": 16,
    "batch_size": 256,
    "learning_rate": 0.02,
    "weight_decay": 0.01,
    "label_smoothing": 0.05,
    "average": 0.99,
}


def block(in_channels: int, out_channels: int) -> list[nn.Module]:
    """A 3 x 3 convolution without padding, batch normalization, ReLU."""
    return [nn.Conv2d(in_channels, out_channels, 3, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU()]


def build() -> nn.Sequential:
    """The network: images [N, 1, 28, 28] from 0 to 1 in, logits [N, 10] out."""
    return nn.Sequential(
        Normalize(),
        *block(1, 12),
        *block(12, 16),
        nn.MaxPool2d(2),  # 28 -> 26 -> 24 -> 12
        *block(16, 20),
        *block(20, 28),
        nn.MaxPool2d(2),  # 12 -> 10 -> 8 -> 4
        *block(28, 36),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),  # 4 -> 2 -> one value a channel
        nn.Linear(36, 10),
    )


def main() -> None:
    """Train every seed, then measure them all on the test images, once."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--device", default="cpu", help='"cpu", "cuda" or "auto"')
    options.add_argument(
        "--threads", type=int, help="processor threads (default: PyTorch's choice, one a core)"
    )
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options.add_argument("--date", default=time.strftime("%Y-%m-%d"))
    options.add_argument("--quick", action="store_true", help="one seed, one epoch, nothing written")
    chosen = options.parse_args()
    device = choose_device(chosen.device)
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    recipe = RECIPE | ({"epochs": 1} if chosen.quick else {})
    seeds = chosen.seeds[:1] if chosen.quick else chosen.seeds
    folder = RUNS / f"{chosen.date}_mnist_20k_{device.type}"

    train, valid = split(mnist("train", allow_digits=False), validation=VALIDATION, seed=0)
    trained = []
    for seed in seeds:
        print(f"seed {seed} on {device}")
        set_seed(seed)
        network = build()
        wall, processor = time.perf_counter(), time.process_time()
        log = fit(
            network, train, valid, **recipe, augment=random_affine(**AUGMENT), device=device.type, seed=seed
        )
        seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - processor
        trained.append((seed, network, log, seconds, cpu_seconds))
        print(
            f"{log}\n{count_parameters(network):,} parameters, "
            f"{seconds:.0f} s ({cpu_seconds:.0f} s of processor time)"
        )
    if chosen.quick:
        return

    test = mnist("test", allow_digits=False)
    results = []
    for seed, network, log, seconds, cpu_seconds in trained:
        exported = export_network(network, log, folder / f"seed_{seed}")
        test_loss, test_accuracy = evaluate(network, test)
        results.append(
            {
                "seed": seed,
                "test_accuracy": round(test_accuracy, 6),
                "test_loss": round(test_loss, 6),
                "valid_accuracy": log.last["valid_accuracy"],
                "parameters": exported.trainable_parameters,
                "parameters_in_graph": exported.parameters,
                "epochs": len(log.rows),
                "seconds": round(seconds, 1),
                "cpu_seconds": round(cpu_seconds, 1),
                "network_sha256": record.sha256(exported.network),
            }
        )
        print(f"seed {seed}: {test_accuracy:.2%} of the test images")
    record.write_run(
        folder,
        title="MNIST under 20,000 parameters",
        command=" ".join(["python", *sys.argv]),
        sources=[Path(__file__)],
        device=device,
        results=results,
        logs={seed: log for seed, _, log, *_ in trained},
        recipe=recipe | {"augment": AUGMENT, "optimizer": "AdamW, one-cycle"},
        images={"train": len(train), "validation": len(valid), "test": len(test), "source": test.source},
        layers=record.layers(build(), (1, 28, 28)),
    )
    print(f"written to {folder}")


if __name__ == "__main__":
    main()
