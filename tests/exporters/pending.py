"""What does not pass yet, with the reason: tests by model. Take out a line that passes."""

PENDING: dict[str, tuple[str, frozenset[str]]] = {
    "ort-dynamic-s8-channel-of-torch-torchscript-mlp-logits-1-opset9": (
        "the range of a whole batch quantises each image",
        frozenset(
            [
                "test_copy_computes_what_onnxruntime_computes",
                "test_fixed_batch_is_free",
                "test_gradients_pass_the_rounding",
                "test_weights_are_written_back_and_nothing_else",
            ]
        ),
    ),
    "ort-dynamic-u8-of-torch-torchscript-cnn-softmax-1-opset11": (
        "the range of a whole batch quantises each image",
        frozenset(
            [
                "test_copy_computes_what_onnxruntime_computes",
                "test_fixed_batch_is_free",
                "test_gradients_pass_the_rounding",
                "test_weights_are_written_back_and_nothing_else",
            ]
        ),
    ),
    "ort-dynamic-u8-of-torch-torchscript-lstm-logits-1-opset13": (
        "the range of a whole batch quantises each image",
        frozenset(
            [
                "test_copy_computes_what_onnxruntime_computes",
                "test_fixed_batch_is_free",
                "test_gradients_pass_the_rounding",
                "test_weights_are_written_back_and_nothing_else",
            ]
        ),
    ),
    "ort-qdq-u8s8-of-torch-torchscript-vit-logits-1-opset17": (
        "onnxruntime's quantised Softmax is up to one step off, and the logits spread over few steps",
        frozenset(["test_copy_computes_what_onnxruntime_computes", "test_weights_are_written_back_and_nothing_else"]),
    ),
}
