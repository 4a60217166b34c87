"""Answers the grader's requests about one network. No student code runs here, only onnx and onnxruntime."""

from typing import Any

from .wire import encode


class Networks:
    """One method a request; each returns the payload of its reply."""

    def __init__(self, limits: dict[str, Any]) -> None:
        self.limits = limits
        self.session: Any = None
        self.checked: Any = None

    def check(self, model: bytes, image_shape: list[int], classes: int, probes: Any) -> bytes:
        """Check the rules, with the probes as images on which values must differ.

        The model as it is to be run, how many numbers it has, the noise it must withstand, its operators; or
        why it is refused.
        """
        from . import graph

        try:
            self.checked = graph.check(model, image_shape, classes, probes)
        except graph.Refused as refused:
            return encode(["refused", str(refused)])
        numbers = self.checked.numbers
        noise = graph.noise_of_rms(numbers)
        return encode(["value", [self.checked.model, numbers, noise, self.checked.operators]])

    def noisy(self, seed: int) -> bytes:
        """The checked model with noise on its numbers."""
        from . import graph

        noise = graph.noise_of_rms(self.checked.numbers)
        return encode(["value", graph.with_noise(self.checked.model, seed, noise)])

    def load(self, model: bytes) -> bytes:
        """Get the network ready to run on the CPU."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.limits["model_threads"]
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            return encode(["refused", f"onnxruntime cannot load the network: {_first_line(error)}"])
        return encode(["value", None])

    def run(self, images: Any) -> bytes:
        """The logits of one batch."""
        try:
            (logits,) = self.session.run(["logits"], {"images": images})
            return encode(["value", logits])
        except Exception as error:
            return encode(["refused", f"onnxruntime cannot run the network: {_first_line(error)}"])


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
