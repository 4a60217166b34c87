"""What README, ARCHITECTURE, CONTRIBUTING and their like name exists; the commands they give are understood.

Nothing is run here: a line of `autograder` or `convcourse` goes through the command's own parser, no further.
"""

import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from autograder.cli.shared import app
from convcourse.cli import parser

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # as `python -m` run in the checkout finds what is not installed
MAKEFILE = (ROOT / "Makefile").read_text()
MANIFESTS = (ROOT / "solutions/course.toml", ROOT / "tests/end_to_end/data/course/solutions/course.toml")
SLUGS = {row["slug"] for path in MANIFESTS for row in tomllib.loads(path.read_text())["exercise"]}
DOCUMENTS = sorted(
    path.relative_to(ROOT)
    for path in [*ROOT.glob("*.md"), *ROOT.glob("book/README.md"), *ROOT.glob("solutions/training/*.md")]
)
# Where a reader's own files, and those that a command makes, are spoken of.
MADE = ("_build/", "graded/", "report/", ".venv/", "~/", "/", "http:", "https:", "tls:", "postgresql")
PLACEHOLDER = re.compile(r"(?<![a-z0-9])(NN_name_in_words|[A-Z]{3,}|YYYY-MM-DD)(?![a-z])")
FENCE = re.compile(r"^(?:`{3,})([^`\n]*)\n(.*?)^`{3,} *$", flags=re.M | re.S)
PROGRAMS = ("autograder", "convcourse", "jupyter", "make", "pip", "python", "sudo")


def text_of(document):
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(text):
    """The code blocks of a document typed into a shell, fenced or indented by four; each as its lines."""
    fenced = [body for language, body in FENCE.findall(text) if language in ("", "sh", "bash", "console")]
    indented = re.findall(r"(?:(?<=\n\n)|\A)((?: {4}\S.*\n(?:\n(?= {4}))?)+)", FENCE.sub("", text))
    return [[line.strip() for line in block.splitlines() if line.strip()] for block in [*fenced, *indented]]


def spans(text):
    """What is set as code within a line."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", FENCE.sub("", text))


def is_drawing(block):
    return any(mark in line for line in block for mark in ("->", "→", "│", "├", "└"))


def commands():
    """(document, command) of every command; the reference has its own tests, book/README.md shows markup."""
    for document in DOCUMENTS:
        if str(document) in ("REFERENCE.md", "book/README.md"):
            continue
        text = text_of(document)
        for block in blocks(text):
            if not is_drawing(block):
                yield from ((document, line) for line in block)
        for span in spans(text):
            first, *rest = span.removeprefix(".venv/bin/").split()
            if rest and first in PROGRAMS:
                yield document, span


def names_files(span):
    return re.fullmatch(r"[\w.~-][\w./-]*", span) and (
        "/" in span or re.search(r"\.(md|py|toml|txt|yaml|sh)$", span)
    )


def exists(name, start=ROOT):
    """Whether a path, or one that fits its placeholders, is in the checkout; a bare name may be anywhere."""
    pattern = PLACEHOLDER.sub("*", name.rstrip("/"))
    if "*" in pattern:
        return any(start.glob(pattern))
    return (
        (start / pattern).exists() or (ROOT / pattern).exists() or ("/" not in name and in_any_folder(name))
    )


def in_any_folder(name):
    tracked = subprocess.run(
        ["git", "ls-files", f"*/{name}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return bool(tracked.stdout.strip())


# --- the reference


def test_reference_is_what_the_commands_say():
    command = [sys.executable, str(ROOT / "tools" / "reference.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def options_of_commands():
    """{"autograder grade": {"--out", ...}, ...}, read from the parsers and not by way of the reference."""
    found = {}
    for name, command in typer.main.get_command(app).commands.items():
        found[f"autograder {name}"] = {
            option
            for parameter in command.params
            if not parameter.hidden  # what a program passes to itself
            for option in [*parameter.opts, *parameter.secondary_opts]
        }
    (students,) = (action for action in parser()._actions if getattr(action, "choices", None))
    for name, command in students.choices.items():
        found[f"convcourse {name}"] = {
            option for action in command._actions for option in action.option_strings or [action.dest]
        } - {"-h", "--help"}
    return found


def test_every_command_and_option_is_in_the_reference_and_no_other():
    documented = {}
    for part in text_of("REFERENCE.md").split("\n### ")[1:]:
        rows = re.findall(r"^\| `(.+?)` \|", part, flags=re.M)
        documented[part.splitlines()[0]] = {
            name for row in rows for name in re.findall(r"(?<!\S)-[\w-]+", row)
        }
    existing = {
        name: {one for one in options if one[0] == "-"} for name, options in options_of_commands().items()
    }
    assert documented == existing
    assert sum(map(len, existing.values())) > 40


def test_every_argument_and_option_says_what_it_does():
    silent = re.findall(r"^\| `(.+?)` \| *(?:\[.*\])? *\|$", text_of("REFERENCE.md"), flags=re.M)
    assert silent == []


# --- what the documents name


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_to_a_file_leads_somewhere(document):
    text = FENCE.sub("", text_of(document))
    broken = []
    for link in re.findall(r"\]\(<?([^)>\s]+)>?\)", text):
        path, _, anchor = link.partition("#")
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        target = (ROOT / document).parent / path if path else ROOT / document
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def anchors(path):
    """The addresses of a Markdown file's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+?) *$", path.read_text(encoding="utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_file_that_is_named_exists(document):
    start = (ROOT / document).parent
    named = [span for span in spans(text_of(document)) if names_files(span) and not span.startswith(MADE)]
    missing = [span for span in named if not exists(span, start) and span not in SPOKEN_OF]
    assert missing == [], "neither in the checkout nor listed in SPOKEN_OF"


# Files that are made by a command or belong to a reader, each with where it comes from.
SPOKEN_OF = {
    "grades.csv": "autograder grade",
    "results.json": "autograder grade",
    "feedback.html": "autograder grade",
    "ca.pem": "whoever runs the cluster",
    "cert.pem": "whoever runs the cluster",
    "key.pem": "whoever runs the cluster",
    "runs/DATE_NAME_DEVICE": "a reference run",
    "08_normalization.md": "a chapter to come",
    "08b_...md": "a chapter that would be split",
}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_exercise_that_is_named_exists(document):
    named = set(re.findall(r"(?<![\w-])(\d\d_[a-z]\w+)", text_of(document)))
    assert {slug for slug in named - SLUGS if f"{slug}.md" not in SPOKEN_OF} == set()


# --- the commands they give


@pytest.mark.parametrize(("document", "line"), sorted(set(commands())), ids=str)
def test_a_command_in_a_document_is_understood(document, line):
    problem = misunderstood(line)
    assert problem is None, f"{document}: {line!r}: {problem}"


def misunderstood(line):
    """What is wrong with a command line, or None."""
    line = re.sub(r"\s+#.*", "", line)
    line = re.sub(r"\bN\b", "1", re.sub(r"\[(--[^]]+)\]", r"\1", line))
    words = shlex.split(line)
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words = words[1:]
    program, *rest = words
    program = program.removeprefix(".venv/bin/")
    if program not in PROGRAMS:
        return f"no check for {program}: write one, or say it in words"
    return globals()[program](rest)


def autograder(words):
    group = typer.main.get_command(app)
    name, *rest = words
    if name not in group.commands:
        return f"autograder has no command {name}"
    unknown = [word for word in rest if re.match(r"\d\d_", word) and Path(word).stem not in SLUGS]
    if unknown:
        return f"{unknown[0]} is not an exercise"
    if not rest:  # spoken of, not given to be typed
        return None
    try:
        with group.make_context("autograder", words, resilient_parsing=True) as top:
            group.commands[name].make_context(name, rest, parent=top)
    except Exception as error:
        return getattr(error, "message", None) or str(error) or type(error).__name__
    return None


def convcourse(words):
    if len(words) == 1 and words[0] in {name.split()[1] for name in options_of_commands()}:
        return None
    try:
        parser().parse_args(words)
    except SystemExit as error:
        return None if error.code == 0 else "not understood"
    return None


def make(words):
    targets = [word for word in words if "=" not in word]
    missing = [word for word in targets if not re.search(rf"^{re.escape(word)}:", MAKEFILE, flags=re.M)]
    settings = [word.partition("=")[0] for word in words if "=" in word]
    missing += [name for name in settings if not re.search(rf"^{name} \?=", MAKEFILE, flags=re.M)]
    return f"the Makefile has no {missing[0]}" if missing else None


def python(words):
    if words[0] == "-m":
        name, rest = words[1], words[2:]
        script = name.replace(".", "/") + ".py"
        if not exists(script) and importlib.util.find_spec(name) is None:
            return f"there is no module {name}"
    else:
        script, *rest = words
        if not exists(script):
            return f"there is no file {script}"
    folders = {path.parent for path in ROOT.glob(PLACEHOLDER.sub("*", script))}
    known = "".join(path.read_text() for folder in folders for path in folder.glob("*.py"))
    options = [word.partition("=")[0] for word in rest if word.startswith("--")]
    if unknown := [option for option in options if folders and f'"{option}"' not in known]:
        return f"nothing in {script} or next to it knows {unknown[0]}"
    paths = [word for word in rest if "/" in word and "://" not in word]
    return next((f"there is no {path}" for path in paths if not exists(path)), None)


def sudo(words):
    """The system packages are those that the check of the machine asks for."""
    known = (ROOT / "tools" / "machine.sh").read_text()
    packages = [word for word in words if word not in ("apt-get", "install", "-y")]
    return next((f"tools/machine.sh does not know {name}" for name in packages if name not in known), None)


def pip(words):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = re.findall(r"\.\[([\w,]+)", " ".join(words))
    missing = [name for one in asked for name in one.split(",") if name not in extras]
    if missing or words[0] != "install":
        return f"pip {words[0]} {missing}"
    return None


def jupyter(words):
    return None if exists(words[-1]) else f"there is no {words[-1]}"


@pytest.mark.parametrize(
    "line",
    [
        "make curse",
        "autograder gradee x",
        "autograder grade 04_stride_and_padding FOLDER",
        "autograder verify --worker 2",
        "autograder verify 05_not_there",
        "convcourse hand-in",
        "convcourse data cifar",
        "python -m autograder.not_there",
        "python tools/not_there.py",
        "python tools/reference.py --chek",
        "sudo apt-get install bubblewrapp",
        "pip install '.[graders]'",
        "frobnicate",
    ],
)
def test_a_command_that_does_not_exist_is_seen(line):
    assert misunderstood(line)


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_option_that_is_named_exists(document):
    """An option alone in a line of prose belongs to one of the commands or to a script."""
    known = {option for options in options_of_commands().values() for option in options}
    scripts = "".join(
        path.read_text()
        for folder in ("solutions/training", "benchmarks", "tools", "autograder/pipeline/deploy")
        for path in (ROOT / folder).glob("*.py")
    )
    styles = (ROOT / "book/_static/css/base.css").read_text()  # --ink and its like are a style sheet's
    named = {span.split()[0].partition("=")[0] for span in spans(text_of(document)) if span.startswith("--")}
    named = {option for option in named if f"{option}:" not in styles}
    known.add("--help")
    assert {option for option in named if option not in known and f'"{option}"' not in scripts} == set()


def test_the_tree_in_the_readme_is_the_checkouts():
    """Each line's folder exists, and every folder of the repository that holds something has a line."""
    (tree,) = re.findall(r"^```text\n(.*?)^```", text_of("README.md"), flags=re.M | re.S)
    above, named = "", set()
    for line in tree.splitlines()[1:]:
        indent, name = re.match(r"([│ ]*)[├└]── (\S+)", line).groups()
        above = above if indent else name
        named.add(above + name if indent else name)
    assert {name for name in named if not (ROOT / name).is_dir()} == set()
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    folders = {line.split("/")[0] + "/" for line in tracked.stdout.splitlines() if "/" in line}
    rooms = {f"autograder/{path.parent.name}/" for path in ROOT.glob("autograder/*/__init__.py")}
    assert {name for name in folders | rooms if not name.startswith(".")} - named == set()
