"""What a sandbox sees: what Python needs, read-only, and nothing of the course but `convcourse`."""

import glob
import importlib.util
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

INSIDE = Path(__file__).with_name("inside")
GRADING = "/grading"  # where the inside folder is mounted, as /grading/inside
SCRATCH = "/scratch"
DATA = "/data"

# Of /etc only what the loader, time zones and name lookups ask for. No host names, users, keys or
# configuration.
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "alternatives", "fonts", "ssl/openssl.cnf")
PASSWD = "student:x:1000:1000:student:/scratch:/bin/sh\n"
GROUP = "student:x:1000:\n"
TRAIN_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")


@dataclass(frozen=True)
class View:
    """Read-only binds (source to destination), links, and small files made up for the sandbox."""

    binds: dict[str, str]
    links: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def system_view() -> View:
    """Python, its packages and the system's libraries."""
    binds: dict[str, str] = {"/usr": "/usr"}
    links: dict[str, str] = {}
    for top in ("/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32"):
        if os.path.islink(top):
            links[os.readlink(top)] = top
        elif os.path.isdir(top):
            binds[top] = top
    for name in ETC:
        if os.path.exists(f"/etc/{name}"):
            binds[os.path.realpath(f"/etc/{name}")] = f"/etc/{name}"
    for prefix in {sys.base_prefix, sys.prefix, os.path.realpath(sys.base_prefix)}:
        if not prefix.startswith("/usr/") and prefix != "/usr":
            binds[prefix] = prefix
    return View(binds, links, {"/etc/passwd": PASSWD.encode(), "/etc/group": GROUP.encode()})


def course_view() -> dict[str, str]:
    """Binds of what runs inside and of `convcourse`, wherever it is installed. Never a folder above them."""
    binds = {str(INSIDE): f"{GRADING}/inside"}
    spec = importlib.util.find_spec("convcourse")
    if spec is not None and spec.submodule_search_locations:
        package = os.path.realpath(spec.submodule_search_locations[0])
        if not package.startswith(
            os.path.realpath(sys.prefix) + os.sep
        ):  # otherwise the packages' bind has it
            binds[package] = package
    return binds


def data_view(raw: Path | None) -> dict[str, str]:
    """Binds of MNIST's two train files, and of no other: the test labels stay outside."""
    if raw is None:
        return {}
    return {str((raw / name).resolve()): f"{DATA}/MNIST/raw/{name}" for name in TRAIN_FILES}


def below_tmp(data: Path | None) -> list[str]:
    """What of the sandbox's view lies below /tmp, as a checkout may.

    Then /tmp must be a folder with these in it; everywhere else it is a name for a folder of the scratch.
    """
    places = [*system_view().binds.values(), *(course_view() | data_view(data)).values()]
    return [place for place in places if place.startswith("/tmp/")]


def find_mnist(environ: "os._Environ[str] | dict[str, str]" = os.environ) -> Path | None:
    """The folder that holds MNIST's train files, in `convcourse.data`'s order, or None.

    That module is not imported for it: it loads torch, which the grader has no other use for.
    """
    from platformdirs import user_cache_dir

    roots = [environ["CONVCOURSE_DATA"]] if environ.get("CONVCOURSE_DATA") else []
    roots.append(user_cache_dir("convcourse"))
    for root in roots:
        raw = Path(root).expanduser() / "MNIST" / "raw"
        if all((raw / name).is_file() for name in TRAIN_FILES):
            return raw.resolve()
    return None


def font_list() -> dict[str, bytes]:
    """Matplotlib's list of fonts as this user has it; making it anew takes a submission a second or more."""
    home = os.environ.get("MPLCONFIGDIR") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "matplotlib"
    )
    lists = glob.glob(os.path.join(glob.escape(home), "fontlist-v*.json"))
    return {os.path.basename(path): Path(path).read_bytes() for path in lists}
