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
    "ort-qdq-s8s8-channel-of-torch-dynamo-resnet-logits-n-opset23": (
        "codes of weights that changed are not what the copy computes with",
        frozenset(["test_weights_are_written_back_and_nothing_else"]),
    ),
    "ort-qdq-s8s8-of-keras-cnn-softmax-n-opset15": (
        "codes of weights that changed are not what the copy computes with",
        frozenset(["test_weights_are_written_back_and_nothing_else"]),
    ),
    "ort-qdq-s8s8-of-torch-torchscript-cnn-softmax-1-opset11": (
        "codes of weights that changed are not what the copy computes with",
        frozenset(["test_weights_are_written_back_and_nothing_else"]),
    ),
    "ort-qdq-s8s8-percentile-of-torch-torchscript-mlp-logits-1-opset9": (
        "codes of weights that changed are not what the copy computes with",
        frozenset(["test_weights_are_written_back_and_nothing_else"]),
    ),
    "ort-qdq-u8s8-channel-of-keras-mobilenet-softmax-1-opset15": (
        "codes of weights that changed are not what the copy computes with",
        frozenset(["test_weights_are_written_back_and_nothing_else"]),
    ),
    "ort-qdq-u8s8-channel-of-torch-torchscript-resnet-logits-1-opset13": (
        "codes of weights that changed are not what the copy computes with",
        frozenset(["test_weights_are_written_back_and_nothing_else"]),
    ),
    "ort-qdq-u8s8-of-torch-torchscript-vit-logits-1-opset17": (
        "codes of weights that changed are not what the copy computes with",
        frozenset(["test_copy_computes_what_onnxruntime_computes", "test_weights_are_written_back_and_nothing_else"]),
    ),
    "ort-qoperator-u8s8-channel-of-torch-torchscript-resnet-logits-1-opset13": (
        "codes of weights that changed are not what the copy computes with",
        frozenset(["test_weights_are_written_back_and_nothing_else"]),
    ),
    "ort-qoperator-u8s8-of-torch-torchscript-densenet-logits-n-opset12": (
        "codes of weights that changed are not what the copy computes with",
        frozenset(["test_weights_are_written_back_and_nothing_else"]),
    ),
    "ort-qoperator-u8u8-of-tf2onnx-function-resnet-logits-1-opset11": (
        "codes of weights that changed are not what the copy computes with",
        frozenset(["test_weights_are_written_back_and_nothing_else"]),
    ),
    "ort-qoperator-u8u8-of-torch-torchscript-cnn-softmax-1-opset11": (
        "codes of weights that changed are not what the copy computes with",
        frozenset(["test_weights_are_written_back_and_nothing_else"]),
    ),
    "ort-qoperator-u8u8-of-torch-torchscript-convnext-logits-1-opset17": (
        "codes of weights that changed are not what the copy computes with",
        frozenset(["test_weights_are_written_back_and_nothing_else"]),
    ),
}
