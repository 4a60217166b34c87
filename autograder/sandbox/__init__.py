"""The sandbox: where student code and student networks run, and the only way to ask anything of them."""

from .bubblewrap import KEEP_MEMORY
from .doctor import Check, doctor
from .environment import Environment, Handle, call_returning_arguments
from .errors import HandleMisuse, NetworkRefused, SandboxBroken, StudentError
from .forkserver import shut_down, warm_up
from .limits import Limits, load_limits
from .network import NetworkReport, judge_network
from .session import Cell, CellResult, Session, open_session

__all__ = [
    "KEEP_MEMORY",
    "Cell",
    "CellResult",
    "Check",
    "Environment",
    "Handle",
    "HandleMisuse",
    "Limits",
    "NetworkRefused",
    "NetworkReport",
    "SandboxBroken",
    "Session",
    "StudentError",
    "call_returning_arguments",
    "doctor",
    "judge_network",
    "load_limits",
    "open_session",
    "shut_down",
    "warm_up",
]
