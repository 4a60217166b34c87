"""How much memory this process took at its highest since it was last asked."""

from contextlib import suppress
from pathlib import Path


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


class Peak:
    """`grew_mib()` is the highest use of memory since this was made, above what it was then."""

    def __init__(self) -> None:
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
        self.before = _status("VmRSS")

    def grew_mib(self) -> float:
        """Mebibytes."""
        return _status("VmHWM") - self.before
