"""What a cell prints and shows: text and PNG images, in order, up to a cap."""

import io
import sys
from typing import Any

TEXT_LEFT_OUT = "\n[more text was printed than is kept]\n"


class OutputLimit(BaseException):
    """The notebook printed more than it may. Not an `Exception`, for the same reason as `TimeLimit`."""


class Output:
    """The output of all cells, with one budget of bytes for text and one for images.

    >>> output = Output(text_bytes=10, image_bytes=0, flood_bytes=100)
    >>> output.add_text("hello")
    >>> output.take()
    ('hello', [])
    """

    def __init__(self, text_bytes: int, image_bytes: int, flood_bytes: int) -> None:
        self.exceeded = self._full = self._flooded = False
        self._texts: list[str] = []
        self._images: list[bytes] = []
        self.allow(text_bytes, image_bytes, flood_bytes)

    def allow(self, text_bytes: int, image_bytes: int, flood_bytes: int) -> None:
        """Set the budgets: what is kept of text and images, and how much text may be printed at all."""
        self.text_left, self.images_left, self.flood_left = text_bytes, image_bytes, flood_bytes

    def add_text(self, text: str) -> None:
        """Keep `text` as far as the budget goes, and drop the rest: much output costs nothing but output.

        A flood raises `OutputLimit` once, and is dropped in silence from then on, so that it costs the cell
        that made it and no other.
        """
        if self._flooded:
            return
        size = len(text.encode("utf-8", "replace"))
        self.flood_left -= size
        if size > self.text_left:
            if not self._full:
                self._texts.append(text[: max(self.text_left - len(TEXT_LEFT_OUT), 0)] + TEXT_LEFT_OUT)
            self._full, self.text_left = True, 0
        else:
            self.text_left -= size
            self._texts.append(text)
        if self.flood_left < 0:
            self._flooded = self.exceeded = True
            raise OutputLimit("printed more than the limit for a submission's text")

    def add_image(self, png: bytes) -> None:
        """Keep an image; one that is over the budget is left out, with a line that says so."""
        if len(png) > self.images_left:
            self.add_text("[an image was left out: the limit for a submission's images is reached]\n")
            return
        self.images_left -= len(png)
        self._images.append(png)

    def take(self) -> tuple[str, list[bytes]]:
        """Text and images since the last call, progress bars reduced to their last state."""
        texts, images = self._texts, self._images
        self.exceeded = False
        self._texts, self._images = [], []
        return _last_states("".join(texts)), images


def _last_states(text: str) -> str:
    r"""What a terminal would show of lines that overwrite themselves with a carriage return.

    >>> _last_states("10 %\r50 %\r100 %\nnext\r\n")
    '100 %\nnext\n'
    """
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


class Stream(io.TextIOBase):
    """Stands for sys.stdout and sys.stderr while cells run."""

    encoding = "utf-8"

    def __init__(self, output: Output, descriptor: int) -> None:
        self._output, self._descriptor = output, descriptor

    def write(self, text: str) -> int:
        """Keep the text."""
        if not isinstance(text, str):
            raise TypeError(f"write() takes str, not {type(text).__name__}")
        self._output.add_text(text)
        return len(text)

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """The descriptor that programs started by the notebook write to."""
        return self._descriptor

    def close(self) -> None:
        """Stay open: a notebook that closes stdout still gets its later cells' output shown."""


def install(output: Output) -> None:
    """Point sys.stdout and sys.stderr at `output`.

    Done again before each cell, since a cell may replace them.
    """
    sys.stdout, sys.stderr = Stream(output, 1), Stream(output, 2)


def figure_png(figure: Any) -> bytes:
    """A matplotlib figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80, bbox_inches="tight")
    return buffer.getvalue()


def open_figures() -> list[Any]:
    """The figures that pyplot holds, oldest first; none where the notebook never imported pyplot."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return [] if pyplot is None else [pyplot.figure(number) for number in pyplot.get_fignums()]


def close_figures() -> None:
    """Close what `open_figures` listed, as a notebook does after each cell."""
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
