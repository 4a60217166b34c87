"""Which graders lose to which attacks: ours, `otter run` and nbgrader, on the same hostile notebooks.

    python benchmarks/attacks.py [--only CLASS] [--write] [--nbgrader FOLDER]
    python benchmarks/attacks.py --fuzz 1000000 [--write]

The portable part of tests/sandbox/attacks is graded: what makes sense as a plain notebook against
hidden tests. An attack wins where its notebook earns more than what is honest in it, where the run's secret
word comes back in what is shown, or where there is no result at all. The two others run inside a
throwaway sandbox without network, with bounded memory and processes, since some attacks would take the
machine down. nbgrader is installed into a folder of its own (`--nbgrader` names one that is kept).
"""

import argparse
import base64
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import time
import uuid
import venv
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.sandbox.attacks import graded, undefended  # noqa: E402
from tests.sandbox.attacks.corpus import Attack, attacks  # noqa: E402
from tests.sandbox.attacks.seen import Seen, won  # noqa: E402

NBGRADER = "0.9.6"
RESULT = ROOT / "benchmarks" / "results" / "attacks.md"
FUZZ_RESULT = RESULT.with_name("fuzz.md")
# Left out are attacks on what a plain notebook has not (a channel, an exported network, a page), and those
# whose point is the machine rather than the mark.
KINDS = ("forge", "read", "crash")
WAYS = ("score", "canary", "harm")
FULL = 3.0
HONEST = "honest"
# Runs inside the throwaway: writes the files, carries out the commands, and says what came of it.
INSIDE = """
import base64, glob, json, os, resource, subprocess, sys
job = json.load(sys.stdin)
resource.setrlimit(resource.RLIMIT_NPROC, (600, 600))
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
os.environ |= {"HOME": "/machine", "CONVCOURSE_SECRET_SEED": "90210", "JUPYTER_PLATFORM_DIRS": "1"}
os.environ["PATH"] = job["bin"] + ":/usr/bin:/bin"
for name, data in job["files"].items():
    os.makedirs(os.path.dirname(name), exist_ok=True)
    open(name, "wb").write(base64.b64decode(data))
said = ""
for command in job["commands"]:
    try:
        done = subprocess.run(command, cwd=job["folder"], capture_output=True, text=True,
                              timeout=job["seconds"], errors="replace", stdin=subprocess.DEVNULL)
        said += done.stdout[-200000:] + done.stderr[-200000:]
    except subprocess.TimeoutExpired:
        said += "no end"
back = {}
for pattern in job["back"]:
    for name in glob.glob(pattern, recursive=True):
        back[name] = base64.b64encode(open(name, "rb").read()).decode()
print("BACK " + json.dumps({"said": said, "files": back}))
"""


def in_throwaway(
    bin_folder: Path,
    folder: str,
    files: dict[str, bytes],
    commands: Sequence[Sequence[str]],
    back: Sequence[str],
    seconds: float,
    patience: float,
) -> tuple[str, dict[str, bytes]]:
    """What the commands said, and the files that they left; nothing of either where the throwaway hung."""
    packed = {name: base64.b64encode(data).decode() for name, data in files.items()}
    job = {
        "bin": str(bin_folder),
        "folder": folder,
        "files": packed,
        "commands": list(map(list, commands)),
        "back": list(back),
        "seconds": seconds,
    }
    command = undefended.throwaway(sys.executable, "-c", INSIDE, binds=[str(bin_folder.parent), "/etc/hosts"])
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        said, _ = process.communicate(json.dumps(job).encode(), timeout=patience)
    except subprocess.TimeoutExpired:
        undefended.kill_tree(process.pid)
        process.communicate()
        return "", {}
    found = re.search(r"^BACK (\{.*\})$", said.decode(errors="replace"), re.MULTILINE)
    if not found:
        return said.decode(errors="replace")[-2000:], {}
    answer = json.loads(found.group(1))
    return answer["said"], {name: base64.b64decode(data) for name, data in answer["files"].items()}


def facts(attack: Attack | None, place: graded.Place, tests: str) -> str:
    """What an attack is told where it runs under another grader."""
    mark = graded.mark_of(attack, place) if attack else "x"
    return (
        f"MARK = {mark!r}; TESTS = {tests!r}; PORT = 1; ABSTRACT = 'x'; SOCKET = 'x'; NUMBERS = {{}}\n"
        "import os; GRADER = os.getppid()\n"
    )


def cells_of(attack: Attack | None, place: graded.Place, tests: str) -> list[str]:
    """The cells of one attack, or of the honest submission."""
    if attack is None:
        return [place.blocks[f"answer_q{n}"] for n in (1, 2, 3)]
    return [facts(attack, place, tests), place.blocks["preface"], *attack.cells]


# --- otter run


def by_otter(chosen: list[Attack | None], place: graded.Place, folder: Path) -> dict[str, Seen]:
    """Each submission under `otter run`, in a throwaway of its own."""
    python = Path(sys.executable).parent
    made = folder / "otter"
    made.mkdir(exist_ok=True)
    bundle = made / "bundle.zip"
    generate = [
        str(python / "otter"),
        "generate",
        "-t",
        str(place.tests),
        "-o",
        str(bundle),
        "--no-environment",
    ]
    subprocess.run(generate, check=True, capture_output=True, cwd=made)
    command = ["otter", "run", "-a", "autograder.zip", "-o", "out", "--no-logo", "submission.ipynb"]
    results = "/machine/run/out/*.json"

    def one(attack: Attack | None) -> Seen:
        cells = cells_of(attack, place, "/machine/run/tests")
        notebook = graded.notebook_text(["import otter\ngrader = otter.Notebook()", *cells]).encode()
        files = {"/machine/run/out/.keep": b"", "/machine/run/autograder.zip": bundle.read_bytes()}
        files["/machine/run/submission.ipynb"] = notebook
        begun = time.monotonic()
        said, back = in_throwaway(python, "/machine/run", files, [command], [results], 120, 180)
        return otters_view(said, back, time.monotonic() - begun)

    return two_at_once(chosen, one)


def two_at_once(chosen: list[Attack | None], one: Callable[[Attack | None], Seen]) -> dict[str, Seen]:
    """What becomes of each, by its id."""
    with ThreadPoolExecutor(2) as pool:
        seen = list(pool.map(one, chosen))
    return {attack.id if attack else HONEST: item for attack, item in zip(chosen, seen, strict=True)}


def otters_view(said: str, back: dict[str, bytes], seconds: float) -> Seen:
    """What otter's results.json says."""
    texts = [data.decode() for data in back.values()]
    if not texts:
        return Seen(alive=False, followed=FULL, seconds=seconds, notes={"said": said[-700:]})
    results = json.loads(texts[0])
    score = sum(float(test.get("score") or 0) for test in results.get("tests", []))
    return Seen(verdict="graded", score=score, shown=said + texts[0], followed=FULL, seconds=seconds)


# --- nbgrader


def nbgrader_folder(given: Path | None, folder: Path) -> Path:
    """A folder with nbgrader's programs; installed where it is not there yet."""
    made = given.resolve() if given else folder / "nbgrader"
    if not (made / "bin" / "nbgrader").exists():
        venv.create(made, with_pip=True)
        install = [str(made / "bin" / "pip"), "install", "-q", f"nbgrader=={NBGRADER}", "numpy"]
        subprocess.run(install, check=True)
    return made


def nbgrader_notebook(cells: Sequence[str], place: graded.Place) -> bytes:
    """As nbgrader's authors write one: the student's cells, then a locked cell of tests per question."""
    document = json.loads(graded.notebook_text(cells))
    for number, cell in enumerate(document["cells"]):
        cell["id"] = f"cell{number}"
    for number in (1, 2, 3):
        source = place.blocks[f"q{number}"]
        source = source[source.index("@test_case") :]
        source = re.sub(r"@test_case\(.*?\)\n(?=def)", "", source, flags=re.DOTALL)
        names = re.findall(r"^def (test_\w+)\((\w+)\)", source, re.MULTILINE)
        calls = "".join(f"{name}({argument})\n" for name, argument in names)
        setting = {
            "grade": True,
            "grade_id": f"q{number}",
            "locked": True,
            "points": 1,
            "schema_version": 3,
            "solution": False,
            "task": False,
        }
        hidden = f"### BEGIN HIDDEN TESTS\n{source}\n{calls}### END HIDDEN TESTS\n"
        document["cells"].append(
            {
                "cell_type": "code",
                "id": f"test{number}",
                "metadata": {"nbgrader": setting},
                "source": hidden,
                "outputs": [],
                "execution_count": None,
            }
        )
    document["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps(document).encode()


def by_nbgrader(chosen: list[Attack | None], place: graded.Place, programs: Path) -> dict[str, Seen]:
    """Each submission under `nbgrader autograde`, in a throwaway of its own, and what its gradebook says."""
    settings = (
        "c = get_config()\nc.CourseDirectory.course_id = 'c'\nc.ExecutePreprocessor.timeout = 15\n"
        "c.Execute.timeout = 15\nc.ClearSolutions.enforce_metadata = False\n"
    )
    read = (
        "import json, sqlite3; rows = sqlite3.connect('gradebook.db').execute("
        "'select auto_score, manual_score from grade').fetchall(); "
        "json.dump([r[0] for r in rows], open('score.json', 'w'))"
    )
    commands = [
        ["nbgrader", "generate_assignment", "attacked", "--create"],
        ["nbgrader", "autograde", "attacked", "--create"],
        ["python", "-c", read],
    ]
    results = ["/machine/run/score.json", "/machine/run/autograded/**/*.ipynb"]

    def one(attack: Attack | None) -> Seen:
        cells = cells_of(attack, place, "/machine/run/source/attacked")
        files = {
            "/machine/run/nbgrader_config.py": settings.encode(),
            "/machine/run/source/attacked/notebook.ipynb": nbgrader_notebook([], place),
            "/machine/run/submitted/student/attacked/notebook.ipynb": nbgrader_notebook(cells, place),
        }
        begun = time.monotonic()
        said, back = in_throwaway(programs / "bin", "/machine/run", files, commands, results, 120, 300)
        return nbgraders_view(said, back, time.monotonic() - begun)

    return two_at_once(chosen, one)


def nbgraders_view(said: str, back: dict[str, bytes], seconds: float) -> Seen:
    """The scores in nbgrader's gradebook, and the outputs in the notebook that it graded."""
    scores = json.loads(back.get("/machine/run/score.json", b"[]"))
    notebooks = [json.loads(data) for name, data in back.items() if name.endswith(".ipynb")]
    if not scores or not notebooks or any(score is None for score in scores):
        return Seen(alive=False, followed=FULL, seconds=seconds, notes={"said": said[-700:]})
    shown = json.dumps(
        [
            cell.get("outputs")
            for notebook in notebooks
            for cell in notebook["cells"]
            if "nbgrader" not in cell["metadata"]
        ]
    )
    return Seen(verdict="graded", score=sum(scores), shown=shown, followed=FULL, seconds=seconds)


# --- ours


def by_us(chosen: list[Attack | None], place: graded.Place) -> dict[str, Seen]:
    """Each submission under our grader."""
    seen = {}
    for attack in chosen:
        if attack is None:
            begun = time.monotonic()
            outcome, _ = graded.grade(place.honest, place)
            seen[HONEST] = Seen(score=outcome.score, seconds=time.monotonic() - begun)
        else:
            told = facts(attack, place, str(place.tests))
            seen[attack.id] = graded.grade_attack(attack, place, told)
    return seen


# --- the table


def table(chosen: list[Attack | None], views: dict[str, dict[str, Seen]], place: graded.Place) -> str:
    """Attack by grader: who won; then totals by class."""
    graders = list(views)
    lines = [f"| attack | {' | '.join(graders)} |", f"|---|{'---|' * len(graders)}"]
    totals: dict[str, dict[str, list[bool]]] = {}
    for attack in filter(None, chosen):
        marks = []
        for grader in graders:
            lost = any(
                won(views[grader][attack.id], way, canary=place.canary, earns=attack.earns, full=FULL)
                for way in WAYS
            )
            totals.setdefault(attack.kind, {}).setdefault(grader, []).append(lost)
            marks.append("**lost**" if lost else "held")
        lines.append(f"| {attack.id} | {' | '.join(marks)} |")
    for kind, rows in totals.items():
        counts = [f"{sum(rows[grader])} of {len(rows[grader])} lost" for grader in graders]
        lines.append(f"| all of {kind} | {' | '.join(counts)} |")
    counts = [f"{sum(sum(rows[g]) for rows in totals.values())} lost" for g in graders]
    return "\n".join([*lines, f"| together | {' | '.join(counts)} |"])


def measure(arguments: argparse.Namespace) -> None:
    chosen: list[Attack | None] = []
    for attack in attacks():
        portable = attack.kind in KINDS and attack.counter.startswith("one process") and attack.wins in WAYS
        if portable and arguments.only in (None, attack.kind) and attack.times == 1:
            chosen.append(attack)
    if arguments.every:
        chosen = chosen[:: arguments.every]
    with tempfile.TemporaryDirectory(prefix="convcourse-attacks-") as name:
        folder = Path(name)
        place = graded.Place(
            folder / "place", f"canary{uuid.uuid4().hex}", f"convcourse-attack-{uuid.uuid4().hex[:10]}"
        )
        programs = nbgrader_folder(arguments.nbgrader, folder)
        graders = {
            "ours": lambda some: by_us(some, place),
            "otter run": lambda some: by_otter(some, place, folder),
            f"nbgrader {NBGRADER}": lambda some: by_nbgrader(some, place, programs),
        }
        for name, grade in graders.items():  # before anything that takes long
            honest = grade([None])[HONEST]
            print(f"{name}: the honest submission got {honest.score:g} of {FULL:g} in {honest.seconds:.1f} s")
            if honest.score != FULL:
                raise SystemExit(f"{name} does not give honest work its mark: {honest}")
        views = {name: grade(chosen) for name, grade in graders.items()}
        place.close()
    text = table(chosen, views, place)
    print(text)
    if arguments.write:
        RESULT.parent.mkdir(exist_ok=True)
        how = f"`python benchmarks/attacks.py --write{f' --only {arguments.only}' if arguments.only else ''}"
        how += f"{f' --every {arguments.every}' if arguments.every else ''}`"
        head = (
            "# Attacks won against three graders\n\nWritten by "
            + how
            + " on "
            + time.strftime("%Y-%m-%d")
            + ".\n"
        )
        head += (
            "An attack has won (the grader has **lost**) where it earned points for wrong answers, read the\n"
            "hidden tests, or left its own submission without a result. The honest submission got full\n"
            "marks from each.\n\n"
        )
        RESULT.write_text(head + text + "\n")


def fuzz(frames: int, seed: int, write: bool) -> None:
    """Run the loop of the fuzz test for that many frames."""
    path = ROOT / "tests" / "unit" / "autograder" / "sandbox" / "inside" / "test_wire_fuzz.py"
    spec = importlib.util.spec_from_file_location("test_wire_fuzz", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    begun = time.monotonic()
    seen = module.run(frames, seed)
    text = (
        f"{frames:,} mutated frames in {time.monotonic() - begun:.0f} s (seed {seed}): {dict(seen)}; "
        "no other exception"
    )
    print(text)
    if write:
        how = f"`python benchmarks/attacks.py --fuzz {frames} --write`"
        FUZZ_RESULT.write_text(f"# Mutated frames for the decoder\n\nWritten by {how}.\n\n{text}.\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=KINDS, help="one class of attacks")
    parser.add_argument("--every", type=int, help="only every so many attacks, for a quick look")
    parser.add_argument("--write", action="store_true", help=f"write the table to {RESULT.relative_to(ROOT)}")
    parser.add_argument("--nbgrader", type=Path, help="a folder with nbgrader, or for it")
    parser.add_argument("--fuzz", type=int, help="feed the decoder that many mutated frames instead")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.fuzz:
        fuzz(given.fuzz, given.seed, given.write)
    else:
        measure(given)
