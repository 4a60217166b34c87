"""What a sandbox says of a cell is checked and cleaned before anybody shows it."""

import struct
import zlib

from autograder.sandbox.results import PNG_START, checked_result, is_png


def png(width, height):
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return PNG_START + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def test_terminal_codes_and_what_hides_text_are_taken_out():
    result = checked_result(3, ["cell", "error", "10%\r\x1b[31m99%\x00\n", [], "x\u202e\x1b]0;t\x07"], 10)
    assert (result.text, result.error) == ("99%\n", "x�")


def test_only_a_png_of_bearable_size_counts_as_an_image():
    assert is_png(png(100, 100))
    assert not is_png(png(100_000, 100_000))
    assert not is_png(b"<svg onload=alert(1)>")
    assert not is_png(PNG_START)
    assert not is_png("text")


def test_a_forged_reply_is_no_result():
    good = ["cell", "ok", "text", [], ""]
    assert checked_result(3, good, 10).text == "text"
    for at, bad in enumerate(["name", "graded", 5, "images", None]):
        assert checked_result(3, [*good[:at], bad, *good[at + 1 :]], 10) is None
    assert checked_result(3, tuple(good), 10) is None


def test_an_image_that_is_none_is_left_out_of_the_result():
    reply = ["cell", "ok", "", [png(1, 1), b"x", 3], ""]
    assert checked_result(0, reply, 10).images == [png(1, 1)]
