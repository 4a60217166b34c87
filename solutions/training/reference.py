"""Trains a reference network: every variant with every seed, then measures them on the test images.

    python -m solutions.training.NAME             # the whole run, into runs/DATE_NAME_DEVICE
    python -m solutions.training.NAME --small     # a configuration that proves the code in minutes
    python -m solutions.training.NAME --quick     # one seed, one epoch, few images, nothing written

A network that is trained is kept in _build/training, and one that is being trained has its checkpoint there:
a run that was killed goes on where it was, and several processes can share the work of one run. The test
images are loaded when the last network is trained, and measured on the weights of the last epoch.
"""

import argparse
import fcntl
import hashlib
import importlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from convcourse.data import ImageSet, mnist, split
from convcourse.training import Log, Recipe, choose_device, evaluate, fit, set_seed
from solutions.training import record
from solutions.training.record import Json

HERE = Path(__file__).resolve().parent
RUNS = HERE / "runs"
KEPT = HERE.parents[1] / "_build" / "training"
QUICK: Mapping[str, Any] = {
    "epochs": 1,
    "seeds": (0,),
    "train_images": 256,
    "validation": 64,
    "test_images": 64,
}
# Of `small` and QUICK, what is not a field of a Recipe.
ABOUT_IMAGES = ("seeds", "train_images", "validation", "test_images")

Load = Callable[[Any], ImageSet]


@dataclass(frozen=True)
class Variant:
    """One arm of a run: a network, and the recipe to train it by with every seed."""

    build: Callable[[], nn.Module]
    recipe: Recipe


def load_mnist(part: Any) -> ImageSet:
    """MNIST's "train" or "test" images, and never a stand-in."""
    return mnist(part, allow_digits=False)


@dataclass(frozen=True)
class Reference:
    """What a script trains. `small` overrides fields of the recipes, or "seeds", "train_images", "validation"
    and "test_images". `measure(network, test images)` gives further figures of one network. `timed`: the
    seconds are part of the claim, so nothing is trained at the same time."""

    name: str
    title: str
    variants: Mapping[str, Variant]
    seeds: Sequence[int] = (0, 1, 2, 3, 4)
    validation: int = 5_000
    load: Load = load_mnist
    small: Mapping[str, Any] = field(default_factory=dict)
    measure: Callable[[nn.Module, ImageSet], Mapping[str, float]] | None = None
    timed: bool = False


@dataclass(frozen=True)
class Plan:
    """A reference as the command line asks for it: what to train, where, and from how many images."""

    reference: Reference
    device: torch.device
    variants: Mapping[str, Variant]
    seeds: Sequence[int]
    small: bool
    changes: Mapping[str, Any]  # of `small` or QUICK
    kept: Path
    program: str  # the script's fingerprint when it was started: it may be edited while it trains

    @property
    def jobs(self) -> list[tuple[str, int]]:
        """Every variant with every seed; all variants have a first seed before one has a second."""
        return [(variant, seed) for seed in self.seeds for variant in self.variants]

    @property
    def folder_name(self) -> str:
        """The name of the run's folder after the date."""
        return f"{self.reference.name}{'_small' * self.small}_{device_name(self.device)}"

    def recipe(self, variant: str, seed: int = 0) -> Recipe:
        """What the network of this variant and seed is trained by."""
        changes = {name: value for name, value in self.changes.items() if name not in ABOUT_IMAGES}
        return replace(self.variants[variant].recipe, **changes, seed=seed)

    def recorded(self, variant: str) -> Json:
        """The recipe for metrics.json, as plain data and without a seed, since all seeds share it."""
        return {name: value for name, value in self.recipe(variant).settings().items() if name != "seed"}

    def place(self, variant: str, seed: int) -> Path:
        """Where this network is kept, trained or not yet: another recipe or program, another folder."""
        what = [self.recorded(variant), dict(self.changes), self.reference.validation, self.program]
        key = hashlib.sha256(json.dumps(what, default=str).encode()).hexdigest()[:8]
        return self.kept / self.folder_name / (variant or "only") / f"seed_{seed}_{key}"


def source(name: str) -> str:
    """The fingerprint of the script that describes the network."""
    path = HERE / f"{name}.py"
    return record.program_sha256(path) if path.exists() else ""


def device_name(device: torch.device) -> str:
    """ "cpu", or the short name of the card: "h200" for an NVIDIA H200."""
    if device.type != "cuda":
        return device.type
    name = torch.cuda.get_device_name(device).removeprefix("NVIDIA ").removeprefix("GeForce ")
    return re.sub(r"\W", "", re.split(r"-| \d+GB", name)[0].lower())


def images_for(plan: Plan) -> tuple[ImageSet, ImageSet]:
    """The images to train on and the validation images; the test images are not touched."""
    validation = plan.changes.get("validation", plan.reference.validation)
    train, valid = split(plan.reference.load("train"), validation=validation, seed=0)
    return train[: plan.changes.get("train_images", len(train))], valid


def train_all(plan: Plan, wait: bool = True) -> None:
    """Train what is not trained yet. What another process is training is waited for, or with `wait=False`
    passed over."""
    images: tuple[ImageSet, ImageSet] | None = None
    for variant, seed in plan.jobs:
        place = plan.place(variant, seed)
        if is_trained(place):
            continue
        with _alone(place, wait) as mine:
            if mine and not is_trained(place):
                images = images or images_for(plan)
                train_one(plan, variant, seed, *images)


def is_trained(place: Path) -> bool:
    """Whether the network of this folder has been trained to its end."""
    return (place / "result.json").exists()


def train_one(plan: Plan, variant: str, seed: int, train: ImageSet, valid: ImageSet) -> None:
    """Train one network and keep its weights and its log."""
    place, checkpoint = plan.place(variant, seed), plan.place(variant, seed) / "checkpoint"
    print(f"{plan.reference.name} {variant} seed {seed} on {device_name(plan.device)}", flush=True)
    set_seed(seed)
    network = plan.variants[variant].build()
    resumed = checkpoint.exists()
    wall, processor = time.perf_counter(), time.process_time()
    log = fit(
        network,
        train,
        valid,
        plan.recipe(variant, seed),
        device=plan.device.type,
        progress=sys.stdout.isatty(),
        checkpoint=checkpoint,
    )
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - processor
    if int(os.environ.get("RANK", 0)):
        return
    result = {
        "rows": log.rows,
        "settings": log.settings,
        # Of a run that was killed, the epochs that count are added up; processor time is not known then.
        "seconds": round(
            sum(row["seconds"] for row in log.rows) if resumed else seconds, 1 + 2 * (seconds < 60)
        ),
        "cpu_seconds": None if resumed else round(cpu_seconds, 1),
        "hardware": record.hardware(plan.device),
        "program_sha256": record.programs(),
    }
    weights = {name: value.contiguous().cpu() for name, value in network.state_dict().items()}
    save_file(weights, place / "network.safetensors")
    unfinished = place / f"result.{os.getpid()}.part"
    unfinished.write_text(json.dumps(result, indent=1) + "\n")
    unfinished.replace(place / "result.json")
    checkpoint.unlink()
    print(f"{log}\n{seconds:.0f} s ({cpu_seconds:.0f} s of processor time)", flush=True)


def measure_all(plan: Plan, folder: Path, command: str) -> None:
    """Measure every network on the test images, once, and write the run's folder."""
    train, valid = images_for(plan)
    test = plan.reference.load("test")
    test = test[: plan.changes.get("test_images", len(test))]
    kept: dict[tuple[str, int], Json] = {}
    for variant in plan.variants:
        for seed in plan.seeds:
            kept[variant, seed] = json.loads((plan.place(variant, seed) / "result.json").read_text())
    logs = {job: Log(result["rows"], result["settings"]) for job, result in kept.items()}
    measured = [measure_one(plan, *job, test, logs[job], kept[job], folder) for job in kept]
    trained = list(kept.values())
    arms = {
        variant: {
            "recipe": plan.recorded(variant) | {"precision": trained[0]["settings"]["precision"]},
            "layers": record.layers(plan.variants[variant].build(), image_shape(test)),
        }
        for variant in plan.variants
    }
    record.write_run(
        folder,
        title=plan.reference.title,
        script=f"{plan.reference.name}.py",
        command=command,
        results=[row for row, _ in measured],
        measures=measured[0][1],
        logs=logs,
        arms=arms,
        trained=trained,
        small=dict(plan.changes) if plan.small else None,
        images={"train": len(train), "validation": len(valid), "test": len(test), "source": test.source},
    )


def measure_one(
    plan: Plan, variant: str, seed: int, test: ImageSet, log: Log, kept: Json, folder: Path
) -> tuple[Json, list[str]]:
    """Measure one network on the test images and write its files; its row of metrics.json, and which figures
    of it the script measured itself. `kept` is what was written down when the network was trained."""
    network = plan.variants[variant].build()
    network.load_state_dict(load_file(plan.place(variant, seed) / "network.safetensors"))
    network.to(plan.device).eval()
    test_loss, test_accuracy = evaluate(network, test)
    further = plan.reference.measure(network, test) if plan.reference.measure else {}
    print(f"{variant} seed {seed}: {test_accuracy:.2%} of the test images", flush=True)
    row = {
        "variant": variant,
        "seed": seed,
        "test_accuracy": round(test_accuracy, 6),
        "test_loss": round(test_loss, 6),
        **{name: round(float(value), 6) for name, value in further.items()},
        "valid_accuracy": log.last["valid_accuracy"],
        "epochs": len(log.rows),
        "seconds": kept["seconds"],
        "cpu_seconds": kept["cpu_seconds"],
        **record.write_network(network, log, folder / variant / f"seed_{seed}", image_shape(test)),
    }
    return row, list(further)


def image_shape(images: ImageSet) -> tuple[int, int, int]:
    """Channels, height and width of each image.

    >>> image_shape(ImageSet(torch.zeros(5, 28, 28, dtype=torch.uint8), torch.zeros(5).long(), "digits"))
    (1, 28, 28)
    """
    *channels, height, width = images.images.shape[1:]
    return (channels[0] if channels else 1), height, width


def plan_for(reference: Reference, chosen: argparse.Namespace, kept: Path = KEPT) -> Plan:
    """What the options ask for; an unknown variant or a negative seed ends the program."""
    unknown = set(chosen.variants or ()) - set(reference.variants)
    if unknown:
        raise SystemExit(
            f"{reference.name} has the variants {list(reference.variants)}, not {sorted(unknown)}"
        )
    changes = QUICK if chosen.quick else reference.small if chosen.small else {}
    return Plan(
        reference=reference,
        device=choose_device(chosen.device),
        variants={name: reference.variants[name] for name in chosen.variants or reference.variants},
        seeds=chosen.seeds or tuple(changes.get("seeds", reference.seeds)),
        small=chosen.small and not chosen.quick,
        changes=changes,
        kept=kept,
        program=source(reference.name),
    )


def options(description: str | None) -> argparse.ArgumentParser:
    """The options that all scripts have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu", help='"cpu", "cuda" or "auto"')
    parser.add_argument("--threads", type=int, help="processor threads (default: PyTorch's, one per core)")
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--variants", nargs="+")
    parser.add_argument("--date", default=time.strftime("%Y-%m-%d"))
    parser.add_argument(
        "--small", action="store_true", help="a configuration that proves the code in minutes"
    )
    parser.add_argument(
        "--quick", action="store_true", help="one seed, one epoch, few images, nothing written"
    )
    return parser


def main(reference: Reference, small: Reference | None = None) -> None:
    """A script's command: train, measure, record; `small` is a narrower reference for `--small`."""
    chosen = options(sys.modules["__main__"].__doc__).parse_args()
    if chosen.small and small is not None:
        reference = small
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    if chosen.quick:
        with tempfile.TemporaryDirectory() as name:
            plan = plan_for(reference, chosen, Path(name) / "kept")
            train_all(plan)
            measure_all(plan, Path(name) / "run", "")
        print("it runs; nothing was written")
        return
    plan = plan_for(reference, chosen)
    train_all(plan)
    if int(os.environ.get("RANK", 0)):
        return  # of a team started by torchrun, the first process writes
    folder = RUNS / f"{chosen.date}_{plan.folder_name}"
    measure_all(plan, folder, " ".join(["python -m", f"{__package__}.{reference.name}", *sys.argv[1:]]))
    print(f"written to {folder}")


def names() -> list[str]:
    """The scripts that train a reference network, by their names without ".py"."""
    return sorted(
        path.stem for path in HERE.glob("*.py") if re.search(r"^REFERENCE\b", path.read_text(), re.M)
    )


def find(name: str, small: bool = False) -> Reference:
    """The reference that a script describes; where it has a narrower one for `--small`, that one if asked."""
    module = importlib.import_module(f"{__package__}.{name}")
    return getattr(module, "SMALL", module.REFERENCE) if small else module.REFERENCE


@contextmanager
def _alone(place: Path, wait: bool) -> Iterator[bool]:
    """Hold this folder for this process: whether it is ours. The system frees it when the process ends,
    however it does. The processes that torchrun starts work together, so there the first holds it for all."""
    place.mkdir(parents=True, exist_ok=True)
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        yield True
        return
    with (place / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
