"""Jobs on a Dask cluster: nothing unprotected leaves the machine; a worker's death costs nobody a grade."""

import datetime
import ipaddress
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from distributed import LocalCluster, Security

from autograder.pipeline import cluster
from autograder.pipeline.errors import ClusterError, ClusterRefused
from autograder.pipeline.failure import without_score
from autograder.pipeline.job import Job
from autograder.record import Record
from autograder.verdict import Verdict


def jobs(*contents: str) -> Iterator[Job]:
    for number, content in enumerate(contents):
        yield Job("00_tiny", f"s{number}", 6.0, "notebook", (), "t" * 64, "g" * 64, False, content.encode())


def answered(pairs) -> dict[str, Record]:
    return {job.content.decode(): Record.from_bytes(data) for job, data in pairs}


@pytest.mark.parametrize(
    ("address", "tls", "words"),
    [
        ("tcp://10.1.2.3:8786", None, "another machine and without TLS"),
        ("tcp://grader.example.org:8786", "certificates", "another machine and without TLS"),
        ("grader.example.org:8786", None, "another machine and without TLS"),
        ("tls://grader.example.org:8786", None, "give --tls DIR"),
        ("tls://127.0.0.1:8786", "empty", "lacks ca.pem, cert.pem, key.pem"),
        ("ws://127.0.0.1:8786", None, "not the address of a scheduler"),
        ("nonsense://", None, "not the address of a scheduler"),
    ],
)
def test_what_would_not_be_safe_is_refused_with_the_remedy(address, tls, words, tmp_path):
    if tls == "certificates":
        make_certificates(tmp_path)
    with pytest.raises(ClusterRefused, match=words):
        cluster.security_for(address, tmp_path if tls else None)


def make_certificates(folder: Path) -> Path:
    """An authority of its own in `folder`, and one certificate that it signed for 127.0.0.1."""
    folder.mkdir(exist_ok=True)
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)

    def certificate(name: str, of: ec.EllipticCurvePrivateKey, *, is_authority: bool) -> bytes:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        made = (
            x509.CertificateBuilder(issuer, subject, of.public_key(), x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                critical=False,
            )
            .sign(authority, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM)

    (folder / "ca.pem").write_bytes(certificate("authority", authority, is_authority=True))
    (folder / "cert.pem").write_bytes(certificate("grader", key, is_authority=False))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder


class Echo:
    """GraderSupervisor that find everything malformed, and say what it was."""

    def grade(self, job: Job) -> bytes:
        said = without_score(job, Verdict.MALFORMED, f"seen: {job.content.decode()}")
        return Record(job.key, said, {}).to_bytes()


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A cluster that somebody else started with certificates; its worker lives in this process."""
    folder = make_certificates(tmp_path_factory.mktemp("tls") / "ours")
    files = {"tls_ca_file": str(folder / "ca.pem"), "require_encryption": True}
    for role in ("client", "scheduler", "worker"):
        files |= {f"tls_{role}_cert": str(folder / "cert.pem"), f"tls_{role}_key": str(folder / "key.pem")}
    with LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tls://",
        host="127.0.0.1",
        security=Security(**files),
        dashboard_address="127.0.0.1:0",
    ) as made:
        yield made.scheduler_address, folder


def test_a_cluster_with_our_certificates_grades(elsewhere, monkeypatch, tmp_path):
    address, folder = elsewhere
    assert address.startswith("tls://")
    monkeypatch.setattr(cluster, "GraderSupervisor", Echo)
    pairs = cluster.grade_on_cluster(
        jobs("a", "b", "c"), workers=1, course=tmp_path, secret=1, scheduler=address, tls=folder
    )
    records = answered(pairs)
    assert {content: record.outcome.message for content, record in records.items()} == {
        "a": "seen: a",
        "b": "seen: b",
        "c": "seen: c",
    }


def test_who_has_no_certificate_of_that_authority_is_turned_away(elsewhere, monkeypatch, tmp_path):
    address, _ = elsewhere
    monkeypatch.setattr(cluster, "CONNECT_S", 3)
    strangers = make_certificates(tmp_path / "theirs")
    for scheduler, tls in ((address, strangers), (address.replace("tls://", "tcp://"), None)):
        with pytest.raises(ClusterError, match="no scheduler answers"):
            list(
                cluster.grade_on_cluster(
                    jobs("a"), workers=1, course=tmp_path, secret=1, scheduler=scheduler, tls=tls
                )
            )


def deadly(data: bytes) -> bytes:
    """A Dask worker that is killed over some jobs: always, or only the first time."""
    job = Job.from_bytes(data)
    word, _, path = job.content.decode().partition(" ")
    if word == "always" or (word == "once" and not Path(path).exists()):
        if path:
            Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Echo().grade(job)


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    with (
        cluster.dask.config.set(cluster.SETTINGS),
        cluster._local(2, tmp_path_factory.mktemp("c"), 1) as client,
    ):
        yield client


def test_a_submission_whose_worker_dies_is_graded_by_another_unless_it_is_deadly_alone_too(local, tmp_path):
    once = f"once {tmp_path / 'seen'}"
    records = answered(cluster._feed(local, jobs("a", "always", "b", once, "c"), deadly))
    assert records["always"].outcome.verdict is Verdict.GRADER_ERROR
    assert "two workers" in records["always"].outcome.message
    for content in ("a", "b", once, "c"):
        assert records[content].outcome.message == f"seen: {content}"


def test_no_more_jobs_are_taken_than_there_are_threads(local):
    taken = []

    def counted() -> Iterator[Job]:
        for job in jobs(*"abcdefgh"):
            taken.append(job)
            yield job

    for number, _ in enumerate(cluster._feed(local, counted(), deadly), start=1):
        assert len(taken) <= number + 2


def test_the_local_cluster_speaks_tls_and_serves_no_pages(local):
    local.wait_for_workers(2, timeout=240)
    info = local.scheduler_info(n_workers=-1)
    addresses = [info["address"], *info["workers"]]
    assert len(addresses) == 3 and all(address.startswith("tls://127.0.0.1:") for address in addresses)
    server = local.cluster.scheduler.http_server
    assert server.address == "127.0.0.1"
    for page in ("status", "health", "info/main/workers.html", "json/identity.json", "api/v1/get_workers"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{server.port}/{page}", timeout=10)


def test_a_job_that_is_no_job_is_an_error_of_ours_and_not_a_crash(local):
    def broken(data: bytes) -> bytes:
        raise ValueError("cannot grade")

    (record,) = answered(cluster._feed(local, jobs("a"), broken)).values()
    assert record.outcome.verdict is Verdict.GRADER_ERROR


def test_jobs_wait_where_no_worker_is_alive_at_the_moment(local):
    def echo(data: bytes) -> bytes:
        return data

    local.cluster.scale(0)
    until = time.monotonic() + 60
    while local.nthreads():
        assert time.monotonic() < until
        time.sleep(0.05)
    later = threading.Timer(1.0, local.cluster.scale, [2])
    later.start()
    answers = [data for _, data in cluster._feed(local, jobs("a", "b", "c"), echo)]
    later.join()
    assert sorted(answers) == sorted(job.to_bytes() for job in jobs("a", "b", "c"))


def test_workers_that_die_before_they_join_are_started_again_and_then_told_of():
    """Dask gives up on a whole cluster when one worker is killed while it starts."""
    deaths = iter(["first", "second"])

    def make():
        for said in deaths:
            raise RuntimeError("Nanny failed to start.") from RuntimeError(said)
        return "cluster"

    assert cluster._started(make) == "cluster"
    deaths = iter(["again"] * 9)
    with pytest.raises(
        ClusterError, match=r"could not be started \(again\).*--workers.*what was graded is kept"
    ):
        cluster._started(make)
