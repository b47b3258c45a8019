"""From records to what people and machines read; pure functions, no torch, no onnx."""
