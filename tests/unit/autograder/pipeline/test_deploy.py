"""The shipped cluster configurations are what dask-jobqueue and Dask's own commands take, and are safe."""

import subprocess
import sys
from pathlib import Path

import dask
import pytest
import yaml

from autograder.pipeline.deploy import slurm

TLS_OPTIONS = ("--tls-ca-file", "--tls-cert", "--tls-key")


@pytest.fixture
def certificates(tmp_path) -> Path:
    for name in slurm.TLS_FILES:
        (tmp_path / name).write_text("made by the site")
    return tmp_path


@pytest.fixture
def job_script(certificates, monkeypatch) -> str:
    """What SLURM would be given; nothing is submitted, and no scheduler starts."""
    from dask_jobqueue.slurm import SLURMJob

    monkeypatch.setattr(dask.config, "config", dict(dask.config.config))
    monkeypatch.setattr(dask.config, "defaults", list(dask.config.defaults))
    dask.config.update_defaults(yaml.safe_load(slurm.CONFIGURATION.read_text()))
    job = SLURMJob(
        scheduler="tls://10.0.0.1:8786",
        name="w1",
        protocol="tls://",
        security=slurm.security_from(certificates),
        config_name="slurm",
    )
    return job.job_script()


def test_slurm_runs_workers_of_one_thread_each_with_our_certificates(job_script, certificates):
    for line in (
        "#SBATCH -J convcourse",
        "#SBATCH -t 02:00:00",
        "#SBATCH --cpus-per-task=8",
        "#SBATCH --requeue",
    ):
        assert line in job_script
    assert (
        "--nthreads 1 " in job_script
        and "--nworkers 8 " in job_script
        and "export OMP_NUM_THREADS=1" in job_script
    )
    for option, name in zip(TLS_OPTIONS, slurm.TLS_FILES, strict=True):
        assert f"{option} {certificates / name}" in job_script
    assert "--protocol tls://" in job_script and "--no-dashboard" in job_script
    assert "tls://10.0.0.1:8786" in job_script


def test_the_job_script_is_shell_and_holds_no_secret(job_script, tmp_path):
    path = tmp_path / "job.sh"
    path.write_text(job_script)
    assert subprocess.run(["bash", "-n", path]).returncode == 0
    assert "SECRET" not in job_script


def containers() -> dict[str, dict]:
    document = yaml.safe_load(slurm.CONFIGURATION.with_name("kubernetes.yaml").read_text())
    assert (document["apiVersion"], document["kind"]) == ("kubernetes.dask.org/v1", "DaskCluster")
    specs = {part: document["spec"][part]["spec"] for part in ("scheduler", "worker")}
    assert not any(spec["automountServiceAccountToken"] for spec in specs.values())
    return {part: spec["containers"][0] for part, spec in specs.items()}


@pytest.mark.parametrize("part", ["scheduler", "worker"])
def test_kubernetes_starts_commands_of_dask_with_options_that_they_have(part):
    program, command, *options = containers()[part]["args"]
    assert (program, command) == ("dask", part)
    helped = subprocess.run(
        [sys.executable, "-m", f"distributed.cli.dask_{part}", "--help"], capture_output=True, text=True
    ).stdout
    for option in options:
        if option.startswith("--"):
            assert option.split("=")[0].replace("--no-dashboard", "--dashboard") in helped
    assert {option.split("=")[0] for option in options} >= {*TLS_OPTIONS, "--no-dashboard", "--protocol"}


def test_kubernetes_gives_the_secret_to_workers_alone_and_never_in_the_open():
    parts = containers()
    assert not [entry for entry in parts["scheduler"]["env"] if "SECRET" in entry["name"]]
    (entry,) = [entry for entry in parts["worker"]["env"] if "SECRET" in entry["name"]]
    assert "value" not in entry and "secretKeyRef" in entry["valueFrom"]


def test_what_is_set_by_environment_is_what_dask_reads():
    for part in containers().values():
        environment = {e["name"]: e["value"] for e in part["env"] if e["name"].startswith("DASK_")}
        settings = dask.config.collect_env(environment)["distributed"]
        if "scheduler" in settings:
            assert settings["scheduler"] == {"allowed_failures": 1, "work_stealing": False}
        assert settings["comm"] == {"require_encryption": True}
