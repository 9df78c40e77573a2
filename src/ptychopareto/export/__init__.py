"""A trained network for other runtimes: one ONNX file of real arithmetic."""
