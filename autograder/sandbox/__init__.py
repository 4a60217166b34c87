"""The sandbox: where student code and student networks run, and the only way to ask anything of them."""

from .environment import Environment, Handle, call_returning_arguments
from .errors import HandleMisuse, NetworkRefused, SandboxBroken, StudentError
from .limits import Limits, load_limits
from .session import Cell, CellResult, Session, open_session

__all__ = [
    "Cell",
    "CellResult",
    "Environment",
    "Handle",
    "HandleMisuse",
    "Limits",
    "NetworkRefused",
    "SandboxBroken",
    "Session",
    "StudentError",
    "call_returning_arguments",
    "load_limits",
    "open_session",
]
