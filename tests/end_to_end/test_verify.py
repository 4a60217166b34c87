"""`autograder verify` passes on a sound course and names each thing that is not."""

import shutil

import pytest


def test_a_sound_course_passes(command, tiny):
    done = command("verify", "--course", tiny, "--workers", 2, "--secret-seed", 3)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "checks hold" in done.stdout


@pytest.fixture
def broken(tiny, tmp_path):
    """A copy of the course without the slow examples, to be broken."""
    root = tmp_path / "course"
    shutil.copytree(tiny, root)
    examples = root / "solutions" / "00_tiny" / "examples.md"
    keep = examples.read_text().split("## wrong/q3_divides_by_one_less")[0]
    examples.write_text(keep)
    return root


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def failures(done):
    return [" ".join(line.split()) for line in done.stdout.splitlines() if line.startswith("✗")]


def test_what_is_wrong_with_the_grades_is_named(command, broken):
    """A hidden test that passes for anything, a master that fails, an example in the wrong folder."""
    folder = broken / "solutions" / "00_tiny"
    change(folder / "master.md", "isinstance(pixels, int) and pixels == 840", "pixels != 841")
    change(folder / "master.md", "value == 4.0", "value == 5.0")
    change(folder / "examples.md", "## wrong/q1_squares", "## wrong/q2_squares")
    assert command("build", "--course", broken).returncode == 0
    done = command("verify", "00_tiny", "--course", broken, "--workers", 2)
    assert done.returncode == 1
    failed = "\n".join(failures(done))
    assert "q2: cheap answers earn next to nothing" in failed and "pays for zeros" in failed
    assert "the master gets full marks" in failed and "Does your mean divide" in failed
    assert "example wrong/q2_squares" in failed and "every kind of example is there" in failed


def test_stale_files_leaks_and_disagreeing_folders_are_named(command, broken):
    folder = broken / "solutions" / "00_tiny"
    change(
        folder / "master.md", "Two functions, one number.", "Note:\n\n    total = sum(values) or len(values)"
    )
    change(folder / "master.md", "total = sum(values)\n", "total = sum(values) or len(values)\n")
    (broken / "_toc.yml").write_text(
        "format: jb-book\nroot: book/00_tiny\nchapters:\n- file: book/05_other\n"
    )
    (broken / "_build" / "html").mkdir()
    (broken / "_build" / "html" / "page.html").write_text(
        "<p>assert isinstance(value, <b>int</b>) and value == 2 * int(n)</p>"
    )
    done = command("verify", "--course", broken)
    assert done.returncode == 1
    failed = "\n".join(failures(done))
    assert "05_other is not in course.toml" in failed
    assert "generated files are up to date" in failed and "00_tiny.ipynb differs" in failed
    assert "no solution in the student's files" in failed
    assert "no hidden test on the site" in failed


def test_luck_and_cheap_points_are_named(command, broken):
    """A draw on which the master fails, a mistake that some draws do not catch, points for a shape alone."""
    folder = broken / "solutions" / "00_tiny"
    draws = """from convcourse.checks import secret_rng

    length = int(secret_rng("q3").integers(1, 4))
    value = mean([float(n) for n in range(length)])
    assert isinstance(value, float) and """
    change(
        folder / "master.md",
        "value = mean([1.0, 2.0, 6.0, 7.0])\n    assert isinstance(value, float) and value == 4.0",
        draws + "length != 2 or value == 0.0",
    )
    change(folder / "master.md", "isinstance(pixels, int) and pixels == 840", "isinstance(pixels, int)")
    assert command("build", "--course", broken).returncode == 0
    done = command("verify", "00_tiny", "--course", broken, "--secret-seed", 3)
    assert done.returncode == 1
    failed = "\n".join(failures(done))
    assert "the master earns everything" in failed and "q3 'hidden test 2' fails under the secrets" in failed
    assert "q2: cheap answers earn next to nothing" in failed and "pays for zeros, ones" in failed
