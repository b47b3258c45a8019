"""Models of other frameworks turned into ONNX by the exporters' own packages, which may live in another environment."""
