"""The one sanitizer: what strangers wrote neither hides, reorders, covers nor delays what is shown."""

import sys
import time
import unicodedata

import pytest

from autograder import text

MIB = 2**20

HOSTILE = {
    "escapes": "\x1b",
    "colors without an end": "\x1b[",
    "colors with an endless number": "\x1b[" + "1" * 5000,
    "colors of one byte": "\x9b",
    "titles without an end": "\x1b]0;",
    "strings for the terminal": "\x1bP",
    "progress bars": "10%\r",
    "carriage returns": "\r",
    "backspaces": "\b",
    "letters and backspaces": "a\b",
    "NUL": "\x00",
    "line ends": "\n",
    "blanks": " ",
    "line separators": "\u2028",
    "characters of no width": "\u200b",
    "turned writing": "\u202e",
    "tags": "\U000e0041",
    "halves of characters": "\ud800",
    "combining marks": "\u0301",
    "letters with piled marks": "a" + "\u0301" * 6,
    "joiners": "\u200d",
    "joiners between marks": "\u0301\u200d",
}


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x9b1mred", "red"),
        ("\x1b]8;;http://example.org\x07link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;a title without an end", "0;a title without an end"),
        ("\x1bPdevice\x1b\\x", "x"),
        ("\x1b(Bplain", "plain"),
        ("10%\r50%\r100%\nnext\r\n", "100%\nnext\n"),
        ("abc\b\bX", "aX"),
        ("\b\bX", "X"),
        ("a\x00b\x7fc\x85", "abc"),
        ("\u202egnp.exe\u2066", "�gnp.exe�"),
        ("a\u2028b\u2029c", "a�b�c"),
        ("a\u200bb\ufeffc\xadd", "a�b�c�d"),
        ("a\U000e0041\U000e007fb", "a��b"),
        ("a\u3164b\u115f", "a�b�"),
        ("a\ud800b", "a�b"),
        ("\ttab\n", "\ttab\n"),
    ],
)
def test_output_is_shown_as_a_terminal_would_have_left_it(raw, shown):
    assert text.clean_output(raw) == shown


def test_code_keeps_what_a_carriage_return_would_overwrite():
    assert text.clean("hidden()\rshown()") == "hidden()\nshown()"


def test_every_character_that_shows_nothing_is_made_visible_or_dropped():
    """By Unicode's own categories, over all characters there are."""
    kept = "\t\n\u200c\u200d"
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in kept:
            assert text.clean(f"a{character}é").strip("\n") in ("aé", "a�é", "a\né"), hex(code)


MARKS = ["\u0301", "\u0e47", "\u0489", "\U0001d165", "\ufe0f", "\u200d", "\u0301\u200c"]


@pytest.mark.parametrize("mark", MARKS)
def test_no_letter_carries_a_pile_of_marks(mark):
    assert text.clean("e" + mark * 3000 + "x" + mark) == "e" + (mark * 4)[: text.MOST_MARKS] + "x" + mark


NAMES = ["Zoë", "Zoe\u0308", "रेनू", "می\u200cخواهم", "שָׁלוֹם", "学生", "👩\u200d👩\u200d👧", "naïve ≈ ±½", "ก็"]


@pytest.mark.parametrize("name", NAMES)
def test_names_in_any_writing_stay_as_they_are(name):
    assert text.clean(name) == text.one_line(name) == name


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_clean_is_not_changed_again(kind):
    once = text.clean_output(f"é {HOSTILE[kind] * 20} b")
    assert text.clean_output(once) == text.clean(once) == once
    once.encode("utf-8")


def seconds(content):
    """Processor time of cleaning: other work on the machine is not the sanitizer's."""
    begun = time.process_time()
    text.excerpt(text.clean_output(content))
    return time.process_time() - begun


def test_no_text_takes_much_longer_than_a_plain_one_of_its_length():
    text.clean("é")  # the tables of characters are made once in a process
    plain = min(seconds("abc def\n" * (MIB // 8)) for _ in range(3))
    for kind, piece in HOSTILE.items():
        hostile = (piece * (MIB // len(piece) + 1))[:MIB]
        assert any(seconds(hostile) < 25 * plain for _ in range(3)), kind


def test_a_line_is_cut_and_a_long_text_keeps_both_ends():
    assert text.one_line("\n a\tb\u2028c\n", 10) == "a b�c"
    assert len(text.one_line("word " * MIB)) == 200
    shown = text.excerpt("a" * 50_000 + "z", longest=1000)
    assert len(shown) < 1100 and shown.startswith("aaa") and shown.endswith("z")
