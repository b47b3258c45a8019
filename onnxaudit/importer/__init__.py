"""The ONNX graph as a differentiable PyTorch module; a view of the graph, never a second truth."""
