"""Routing by agreement: ours against a loop over the equations, and against writing all predictions down.

    python benchmarks/routing.py [--write] [--batch 64] [--device cpu]

The sizes are the published ones: 1,152 children of 8 dimensions, 10 parents of 16, three iterations, forward
and backward, one thread. All three must give the same parents and the same gradients, or nothing is written.
Times are of the processor (on a GPU of the clock), the best of several taken in turns, so that a busy moment
hits all; the loop, which takes long, has one. Memory is what a process of its own needs at most beyond its
start.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from convcourse.capsules import route, squash

RESULT = Path(__file__).resolve().parent / "results" / "routing.md"
CHILDREN, PARENTS, IN, OUT, ITERATIONS = 1152, 10, 8, 16, 3
MIB = 2**20


def ours(children: Tensor, weight: Tensor) -> Tensor:
    return route(children, weight, ITERATIONS)[0]


def loops(children: Tensor, weight: Tensor) -> Tensor:
    """Procedure 1 as it is printed: for all capsules i, for all capsules j. Only the images of the batch and
    the dimensions of a capsule are taken at once."""
    votes = [[children[:, i] @ weight[j, i] for j in range(PARENTS)] for i in range(CHILDREN)]
    logits = [[children.new_zeros(len(children)) for _ in range(PARENTS)] for _ in range(CHILDREN)]
    for iteration in range(ITERATIONS):
        sums = [torch.zeros_like(votes[0][0]) for _ in range(PARENTS)]
        for i in range(CHILDREN):
            coupling = torch.stack(logits[i]).softmax(dim=0)
            for j in range(PARENTS):
                sums[j] = sums[j] + coupling[j, :, None] * votes[i][j]
        parents = [squash(total) for total in sums]
        if iteration + 1 < ITERATIONS:
            for i in range(CHILDREN):
                for j in range(PARENTS):
                    logits[i][j] = logits[i][j] + (votes[i][j] * parents[j]).sum(-1)
    return torch.stack(parents, dim=1)


def expanded(children: Tensor, weight: Tensor) -> Tensor:
    """The usual way: the weight expanded to the batch, all predictions written down, and read four times."""
    count = len(children)
    each = weight.transpose(0, 1).expand(count, CHILDREN, PARENTS, IN, OUT)
    votes = (children[:, :, None, None, :].expand(count, CHILDREN, PARENTS, 1, IN) @ each).squeeze(3)
    logits = votes.new_zeros(count, CHILDREN, PARENTS, 1)
    for iteration in range(ITERATIONS):
        parents = squash((logits.softmax(dim=2) * votes).sum(dim=1, keepdim=True))
        if iteration + 1 < ITERATIONS:
            logits = logits + (votes * parents).sum(dim=-1, keepdim=True)
    return parents.squeeze(1)


WAYS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"ours": ours, "expanded": expanded, "loops": loops}
TIMES = {"ours": 7, "expanded": 5, "loops": 1}


def inputs(batch: int, device: str) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    children = squash(torch.randn(batch, CHILDREN, IN, generator=generator))
    weight = 0.1 * torch.randn(PARENTS, CHILDREN, IN, OUT, generator=generator)
    return children.to(device).requires_grad_(), weight.to(device).requires_grad_()


def once(way: str, batch: int, device: str) -> tuple[float, list[Tensor]]:
    """Seconds of one pass forward and backward, and what came out: parents and both gradients.

    On the CPU they are of processor time, which other programs disturb less."""
    clock = time.perf_counter if device == "cuda" else time.process_time
    children, weight = inputs(batch, device)
    started = clock()
    parents = WAYS[way](children, weight)
    parents.square().sum().backward()
    if device == "cuda":
        torch.cuda.synchronize()
    return clock() - started, [parents.detach(), children.grad, weight.grad]


def require_same(found: dict[str, list[Tensor]]) -> None:
    for way, tensors in found.items():
        for ours_, other in zip(found["ours"], tensors, strict=True):
            torch.testing.assert_close(other, ours_, rtol=1e-3, atol=1e-5, msg=lambda m, w=way: f"{w}: {m}")


def measure(batch: int, device: str) -> tuple[dict[str, float], dict[str, list[Tensor]]]:
    """The best time of each way in seconds, and its results."""
    once("ours", batch, device)  # the first pass of a process also starts libraries
    best, found = dict.fromkeys(WAYS, float("inf")), {}
    for turn in range(max(TIMES.values())):
        for way in WAYS:
            if turn < TIMES[way]:
                seconds, found[way] = once(way, batch, device)
                best[way] = min(best[way], seconds)
    return best, found


def memory(way: str, batch: int, device: str) -> float:
    """The most memory of one pass beyond what the process had before it, in MiB."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        once(way, batch, device)
        return (torch.cuda.max_memory_allocated() - before) / MIB
    command = [sys.executable, __file__, "--memory-of", way, "--batch", str(batch)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def memory_here(way: str, batch: int) -> float:
    once(way, 1, "cpu")  # the libraries are loaded and have what they need
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak starts anew from what is used now
    before = status("VmHWM")
    once(way, batch, "cpu")
    return (status("VmHWM") - before) / 1024


def status(name: str) -> int:
    """A figure of this process in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def page(best: dict[str, float], used: dict[str, float], batch: int, device: str) -> str:
    place = (
        torch.cuda.get_device_name()
        if device == "cuda"
        else f"one thread of {os.cpu_count()} cores ({platform.machine()})"
    )
    names = {
        "ours": "ours: `convcourse.capsules.route`",
        "expanded": "all predictions written down, weight expanded to the batch",
        "loops": "loops over children and parents",
    }
    lines = [
        "# Routing by agreement",
        "",
        f"{CHILDREN:,} children of {IN} dimensions, {PARENTS} parents of {OUT}, {ITERATIONS} iterations, "
        f"batch {batch}, forward and backward, {place}, torch {torch.__version__}. Same parents and "
        "gradients asserted. Regenerate: `python benchmarks/routing.py --write`.",
        "",
        "| way | seconds | times ours | memory, MiB | times ours |",
        "|---|---|---|---|---|",
    ]
    for way, name in names.items():
        lines.append(
            f"| {name} | {best[way]:.3f} | {best[way] / best['ours']:.1f} | {used[way]:.0f} | "
            f"{used[way] / used['ours']:.1f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--device", default="cpu")
    options.add_argument("--write", action="store_true")
    options.add_argument("--memory-of", choices=WAYS, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    torch.set_num_threads(1)
    if chosen.memory_of:
        print(memory_here(chosen.memory_of, chosen.batch))
        return
    best, found = measure(chosen.batch, chosen.device)
    require_same(found)
    used = {way: memory(way, chosen.batch, chosen.device) for way in WAYS}
    text = page(best, used, chosen.batch, chosen.device)
    print(text)
    if chosen.write:
        RESULT.write_text(text)


if __name__ == "__main__":
    main()
