"""Trains the networks of several scripts and records nothing: `python -m solutions.training NAME...`.

Several of these can run at a time: what one of them trains, the others pass over. Each script's own command
measures and records afterwards, and finds its networks trained.
"""

import torch

from solutions.training import reference


def main() -> None:
    """Train every variant with every seed of each script that is named."""
    parser = reference.options(__doc__)
    parser.add_argument("names", nargs="+", choices=reference.names(), metavar="NAME")
    parser.add_argument("--not-timed", action="store_true", help="leave out those that must be trained alone")
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    for name in chosen.names:
        found = reference.find(name, chosen.small)
        if not (chosen.not_timed and found.timed):
            reference.train_all(reference.plan_for(found, chosen), wait=False)


if __name__ == "__main__":
    main()
