"""A judge of networks that counts what the exporter calls parameters and runs the file as it comes."""

import json
import resource
import sys

import networks
import numpy as np
import onnx
import onnxruntime
from memory import Peak
from naive import stub_of_otter


def main() -> None:
    """Do one job and say how it went."""
    job = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    sys.modules |= stub_of_otter()
    images, labels = networks.test_set()
    print("READY", flush=True)
    peak = Peak()
    data = bytes.fromhex(job["network"])
    model = onnx.load_model_from_string(data)
    floats = (tensor for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT)
    ports = {port.name for port in model.graph.input}
    parameters = sum(int(np.prod(list(tensor.dims))) for tensor in floats if tensor.name not in ports)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"images": images})
    accuracy = float((logits.argmax(axis=1) == labels).mean())
    right = parameters < 200 and accuracy >= 0.9
    shown = f"{parameters} parameters, {accuracy:.0%} of the images"
    report = {"score": float(right), "shown": shown, "grew_mib": peak.grew_mib()}
    print("\nREPORT " + json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
