"""What does not pass yet, with the reason: tests by model. Take out a line that passes."""

PENDING: dict[str, tuple[str, frozenset[str]]] = {
    "ort-qdq-u8s8-of-torch-torchscript-vit-logits-1-opset17": (
        "onnxruntime's quantised Softmax is up to one step off, and the logits spread over few steps",
        frozenset(["test_copy_computes_what_onnxruntime_computes", "test_weights_are_written_back_and_nothing_else"]),
    ),
}
