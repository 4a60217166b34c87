"""The rules for a network that is handed in, as `convcourse` holds them for students too."""

from convcourse.network_rules.check import Checked, check
from convcourse.network_rules.noise import with_noise
from convcourse.network_rules.table import Refused

__all__ = ["Checked", "Refused", "check", "with_noise"]
