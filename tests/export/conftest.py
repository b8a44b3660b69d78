"""ONNX models: what runs them; tests are skipped where it is not installed."""

import pytest

import skregopt


@pytest.fixture
def onnxruntime():
    """Return the module onnxruntime."""
    pytest.importorskip("onnx", reason="needs the extra onnx")
    return pytest.importorskip("onnxruntime", reason="needs the extra onnx")


@pytest.fixture
def skl2onnx(onnxruntime):
    """Return the module skl2onnx with the converters registered."""
    module = pytest.importorskip("skl2onnx", reason="needs the extra onnx")
    skregopt.register_skl2onnx()
    return module


@pytest.fixture
def run(onnxruntime):
    """Return the function that runs a model: outputs by name."""

    def outputs(model, X, /, **inputs):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(None, inputs or {session.get_inputs()[0].name: X}), strict=True))

    return outputs
