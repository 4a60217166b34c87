"""The tables of networks under the rules say what the rules and the networks do today."""

from pathlib import Path

import pytest

from benchmarks import fragile, networks, ordinary
from convcourse.network_rules import PASSES, noise_of_rms

ROOT = Path(__file__).parents[2]


def rows(path, columns):
    """The rows of a results file that have so many columns, without the head."""
    lines = [line.strip("|").split("|") for line in path.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line] for line in lines if len(line) == columns]
    return [row for row in cells if row[0] not in ("network", "weights in a number")]


def percent(cell):
    return float(cell.rstrip("%"))


def test_every_committed_network_bears_the_noise_with_a_margin():
    """The worst loses a third of what is allowed."""
    found = rows(networks.RESULTS, 6)
    names = {str(path.parent.relative_to(networks.RUNS)) for path in networks.RUNS.glob("*/**/network.onnx")}
    assert {row[0] for row in found} <= names and len(found) >= 97, "a run that is gone, or a table cut short"
    lost = [percent(plain) - percent(noisy) for _, _, _, plain, noisy, _ in found]
    assert max(lost) <= 0.11 < PASSES.noise_drop_points
    for name, _, _, plain, _, moved in found:
        if percent(plain) >= PASSES.claim_min_percent and "filters" not in name and "ingredients" not in name:
            assert percent(moved) >= PASSES.shifted_min_percent, name


def test_networks_of_three_epochs_bear_the_noise_with_a_margin():
    found = rows(fragile.RESULTS, 8)
    assert [row[0] for row in found] == list(fragile.NETWORKS)
    assert max(float(row[5]) for row in found) <= 0.16 < PASSES.noise_drop_points
    assert all(int(row[1].replace(",", "")) < 20_000 for row in found)
    stronger = [float(row[6]) for row in found]
    assert sum(lost > PASSES.noise_drop_points for lost in stronger) == 6, (
        "why the noise is not twice as much"
    )


def test_packed_networks_lose_where_noise_reaches_the_second_weight():
    """Two weights of three or four bits live through noise alone: the documents say so."""
    found = {
        (int(row[0]), int(row[1])): percent(row[3]) - percent(row[4]) for row in rows(networks.RESULTS, 5)
    }
    assert set(found) == set(networks.PACKINGS)
    lose = {packing for packing, lost in found.items() if lost > PASSES.noise_drop_points}
    assert lose == {(2, 5), (2, 6), (3, 3), (3, 4), (3, 5), (3, 6)}


def test_a_row_is_measured_again():
    """The smallest network, in the order and with the noise of the table."""
    pytest.importorskip("onnxruntime")
    name = "2026-11-21_mnist_smallest_cpu/seed_2"
    row = next(row for row in rows(networks.RESULTS, 6) if row[0] == name)
    try:
        networks.mnist_test_set()
    except Exception as error:
        pytest.skip(f"MNIST is needed: {error}")
    checked = networks.check((networks.RUNS / name / "network.onnx").read_bytes(), [1, 28, 28], 10)
    found = networks.measured(checked.model, noise_of_rms(checked.numbers))
    assert row[1] == f"{checked.numbers:,}"
    for cell, part in zip(row[3:], (found.plain, found.noisy, found.shifted), strict=True):
        assert percent(cell) == pytest.approx(100 * part, abs=0.03), (
            "another processor may add in another order"
        )


def test_ordinary_architectures_are_accepted_or_told_what_to_do():
    text = ordinary.RESULTS.read_text()
    found = {row[0]: row for row in rows(ordinary.RESULTS, 3)}
    assert list(found) == list(ordinary.ARCHITECTURES) and len(found) >= 105
    refused = {name for name, (_, numbers, _) in found.items() if not numbers}
    assert f"Of {len(found)} architectures {len(found) - len(refused)} are accepted" in text
    assert refused == REFUSED
    assert all(len(found[name][2].split()) > 8 for name in refused)


REFUSED = {
    "reshape(len(x), 784)", "GRU", "LSTM", "an if on the images", "random noise",
    "topk", "argmax as a position", "half precision", "double precision", "Fourier transform",
    "LSTM with three outputs",
}  # fmt: skip


@pytest.mark.parametrize("name", [*list(ordinary.ARCHITECTURES)[::18], "topk"])
def test_an_architecture_is_judged_again(name):
    numbers, why = ordinary.judged(name)
    row = next(row for row in rows(ordinary.RESULTS, 3) if row[0] == name)
    assert row[1] == (f"{numbers:,}" if numbers else "") and row[2] == why.replace("|", "/")
