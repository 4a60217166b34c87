"""The reference networks: a script for each, and what trains, records, checks and tabulates them.

    python -m solutions.training.mnist_20k        # train, measure and record one
    python -m solutions.training NAME...          # train the networks of several scripts, record nothing
    python -m solutions.training.check            # measure every committed network again
    python -m solutions.training.table            # write README.md from the runs

LOG.md has what was tried on the way, with what failed.
"""
