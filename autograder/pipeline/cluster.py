"""Many grader processes on a Dask cluster: one of this machine's processes, or one that exists already.

What Dask moves between our processes it pickles, so whoever can speak to a scheduler or worker can run code
there. Therefore: every connection is mutual TLS, with a key made for this run on one machine and with the
instructor's own certificates (`tls`) beyond it; it may be missing only towards a scheduler on loopback that
somebody else started. Pickled are references to `grade_here` and plain bytes, a job on the way out and
a record on the way back. Neither is unpickled into anything else: a job is parsed by `Job.from_bytes`, a
record by `Record.from_bytes`, so nothing that a student made is ever given to pickle. The dashboard is off.
"""

import contextlib
import ipaddress
import logging
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dask
from distributed import Client, LocalCluster, Security, as_completed

from autograder.pipeline.errors import ClusterError, ClusterRefused
from autograder.pipeline.failure import failed
from autograder.pipeline.grader_process import COURSE_VARIABLE, GraderSupervisor
from autograder.pipeline.job import Job
from autograder.scoring.secret import VARIABLE, as_text

TLS_FILES = ("ca.pem", "cert.pem", "key.pem")
CONNECT_S = 30
WORKERS_S = 300  # until a cluster has its first worker: a queue may make it wait
START_ATTEMPTS = 3
COUNT_S = 5  # between two looks at how many workers there are
SETTINGS = {
    # A submission over which two workers died is not given to a third.
    "distributed.scheduler.allowed-failures": 1,
    "distributed.scheduler.work-stealing": False,
    # Dask serves HTTP even with its dashboard off; without routes there is nothing to see there.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    # Submissions are large for tasks, and a busy machine is slow: neither is worth a warning.
    "distributed.admin.large-graph-warning-threshold": "1GB",
    "distributed.admin.tick.limit": "1h",
    "distributed.comm.timeouts.connect": f"{CONNECT_S}s",
}


# The supervisor of each thread of a Dask worker: by default a worker has one thread, and so one process.
_workplace = threading.local()


def grade_here(job: bytes) -> bytes:
    """What a Dask worker does: hand a job to its own grading process; bytes in, bytes out."""
    if not hasattr(_workplace, "supervisor"):
        _workplace.supervisor = GraderSupervisor()
    return _workplace.supervisor.grade(Job.from_bytes(job))


def grade_on_cluster(
    jobs: Iterator[Job],
    *,
    workers: int,
    course: Path,
    secret: int,
    scheduler: str | None = None,
    tls: Path | None = None,
) -> Generator[tuple[Job, bytes]]:
    """Each job with its record as bytes, as they are done.

    No more jobs are taken than there are threads to grade them, so memory stays small and a worker that dies
    takes one submission with it. Dask starts that one again on another worker; when a second dies too,
    its record is a grader-error.
    """
    with dask.config.set(SETTINGS), contextlib.ExitStack() as stack:
        if scheduler is None:
            client = stack.enter_context(_local(workers, course, secret))
        else:
            client = stack.enter_context(_existing(scheduler, tls))
        yield from _feed(client, jobs)


def _feed(
    client: Client, jobs: Iterator[Job], work: Callable[[bytes], bytes] = grade_here
) -> Iterator[tuple[Job, bytes]]:
    """Each job and its record, as they come; no more jobs are out than there are threads.

    Where workers die, Dask cannot tell which of the jobs that they had was deadly. So whatever failed so is
    tried again at the end, alone: an innocent job is graded then, and a deadly one is known.
    """
    running: dict[Any, Job] = {}
    suspects: list[Job] = []
    arrived = as_completed(raise_errors=False)
    threads, counted = _threads(client), time.monotonic()
    while True:
        while len(running) < threads and (job := next(jobs, None)) is not None:
            future = client.submit(work, job.to_bytes(), pure=False)
            running[future.key] = job
            arrived.add(future)
        if not running:
            break
        future = next(arrived)
        job = running.pop(future.key)
        if future.status == "error":
            suspects.append(job)
        else:
            yield job, _record(future, job)
        if time.monotonic() - counted > COUNT_S:
            threads, counted = _threads(client), time.monotonic()
    for job in suspects:
        arrived.add(client.submit(work, job.to_bytes(), pure=False))
        yield job, _record(next(arrived), job)


def _record(future: Any, job: Job) -> bytes:
    gone = "the scheduler of the cluster is gone; start it and run the same command again"
    if future.status == "finished":
        try:
            data = future.result()
        except Exception as error:
            raise ClusterError(f"{gone} ({error})") from None
        if type(data) is bytes:
            return data
    if future.status in ("cancelled", "lost"):
        raise ClusterError(gone)
    message = "two workers of the cluster died over this submission, or cannot grade; see their logs"
    return failed(job, message).to_bytes()


def _threads(client: Client) -> int:
    """At least one: where all workers are dead at the moment, a job waits for the next that comes."""
    try:
        return max(1, sum(client.nthreads().values()))
    except OSError as error:
        raise ClusterError(
            f"the scheduler is gone ({error}); start it and run the same command again"
        ) from None


@contextlib.contextmanager
def _local(workers: int, course: Path, secret: int) -> Iterator[Client]:
    """Processes of this machine: a worker that dies is started again by its nanny in this process."""
    security = Security.temporary()
    with (
        tempfile.TemporaryDirectory(prefix="convcourse-dask-") as folder,
        _started(
            lambda: LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                protocol="tls://",
                security=security,
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                local_directory=folder,
                memory_limit=0,  # the sandbox bounds memory; a nanny that guesses would kill honest work
                silence_logs=50,
                env={COURSE_VARIABLE: str(course), VARIABLE: as_text(secret)},
            )
        ) as cluster,
        Client(cluster, security=security) as client,
    ):
        yield client


def _started(make: Callable[[], LocalCluster]) -> LocalCluster:
    """A cluster of this machine. A worker that dies before it has joined fails the whole start, so that is
    tried again; raises ClusterError where it fails each time."""
    for _ in range(START_ATTEMPTS):
        try:
            return make()
        except RuntimeError as error:
            said = str(error.__cause__ or error)
    raise ClusterError(
        f"the workers could not be started ({said}); if this machine is short of memory, ask for fewer with "
        "--workers, and run the same command again: what was graded is kept"
    )


@contextlib.contextmanager
def _existing(scheduler: str, tls: Path | None) -> Iterator[Client]:
    """Somebody else's cluster; each worker grades with its own checkout and its own configured secret."""
    security = security_for(scheduler, tls)
    # What goes wrong is told in our own words, so Dask's log with its tracebacks is left out.
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(scheduler, security=security, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"no scheduler answers at {scheduler} ({error}); start it, or fix the address"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKERS_S)
        except TimeoutError:
            raise ClusterError(
                f"the cluster at {scheduler} had no worker within {WORKERS_S} s; start some"
            ) from None
        for address in client.nthreads():
            if not _is_private(address):
                raise ClusterRefused(
                    f"the worker at {address} of {scheduler} speaks without TLS; start it with"
                    " --tls-ca-file, --tls-cert and --tls-key"
                )
        yield client


def security_for(scheduler: str, tls: Path | None) -> Security | None:
    """How to speak to the scheduler at this address; raises `ClusterRefused` for what would not be safe.

    >>> security_for("tcp://127.0.0.1:8786", None) is None
    True
    """
    url = urlsplit(scheduler if "://" in scheduler else f"tcp://{scheduler}")
    if url.scheme not in ("tcp", "tls") or not url.hostname:
        raise ClusterRefused(f"{scheduler} is not the address of a scheduler; write tls://HOST:PORT")
    if url.scheme == "tcp" and not is_loopback(url.hostname):
        raise ClusterRefused(
            f"{scheduler} is on another machine and without TLS, so anybody on the way could read submissions"
            " and run code; start the scheduler with certificates and give tls://HOST:PORT with --tls DIR"
        )
    if url.scheme == "tcp":
        return None
    if tls is None:
        raise ClusterRefused(
            f"{scheduler} needs certificates: give --tls DIR, a folder with {', '.join(TLS_FILES)}"
        )
    missing = [name for name in TLS_FILES if not (tls / name).is_file()]
    if missing:
        raise ClusterRefused(f"{tls} lacks {', '.join(missing)}; it must hold {', '.join(TLS_FILES)}")
    ca, certificate, key = (str(tls / name) for name in TLS_FILES)
    return Security(require_encryption=True, tls_ca_file=ca, tls_client_cert=certificate, tls_client_key=key)


def is_loopback(host: str) -> bool:
    """Whether a host's name or address never leaves this machine.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "10.0.0.7", "example.org")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_private(address: str) -> bool:
    url = urlsplit(address)
    return url.scheme == "tls" or is_loopback(url.hostname or "")
