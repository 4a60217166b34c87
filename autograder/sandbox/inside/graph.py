"""The rules for a network that is handed in, as `convcourse` holds them for students too."""

from convcourse.network_rules.check import Checked, check
from convcourse.network_rules.noise import noise_of_rms, with_noise
from convcourse.network_rules.table import Refused

__all__ = ["Checked", "Refused", "check", "noise_of_rms", "with_noise"]
