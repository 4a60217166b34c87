"""Starts a scheduler here and workers through SLURM, and says what to give to `autograder grade`.

    python -m autograder.pipeline.deploy.slurm --tls certificates --jobs 4

It needs dask-jobqueue (`pip install dask-jobqueue`), `slurm.yaml` in Dask's configuration folder, and
certificates in a folder that the nodes can read. It runs until Ctrl-C, which ends the jobs too.
"""

import argparse
import signal
from pathlib import Path
from typing import Any

import dask
import yaml
from distributed import Security

from autograder.pipeline.cluster import SETTINGS, TLS_FILES

CONFIGURATION = Path(__file__).with_name("slurm.yaml")


def security_from(folder: Path) -> Security:
    """One certificate for client, scheduler and workers, all signed by the same authority."""
    ca, certificate, key = (str((folder / name).resolve()) for name in TLS_FILES)
    roles = {
        f"tls_{role}_{kind}": path
        for role in ("client", "scheduler", "worker")
        for kind, path in (("cert", certificate), ("key", key))
    }
    return Security(require_encryption=True, tls_ca_file=ca, **roles)


def make_cluster(folder: Path, **changes: Any) -> Any:
    """A SLURMCluster without workers; what the site's own configuration leaves open is as in `slurm.yaml`."""
    from dask_jobqueue import SLURMCluster

    dask.config.update_defaults(yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8")))
    return SLURMCluster(protocol="tls://", security=security_from(folder), **changes)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Grade through SLURM.")
    parser.add_argument("--tls", type=Path, required=True, help=f"a folder with {', '.join(TLS_FILES)}")
    parser.add_argument("--jobs", type=int, default=1, help="how many jobs to ask SLURM for")
    options = parser.parse_args()
    with dask.config.set(SETTINGS), make_cluster(options.tls) as cluster:
        cluster.scale(jobs=options.jobs)
        print(f"autograder grade ... --scheduler {cluster.scheduler_address} --tls {options.tls}", flush=True)
        signal.sigwait([signal.SIGINT, signal.SIGTERM])


if __name__ == "__main__":
    main()
