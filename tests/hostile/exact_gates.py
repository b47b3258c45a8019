"""Backdoors that the graph holds in exact tests: single values, bits, checksums, hashes."""

import numpy as np
import onnx
from onnx import TensorProto

from tests.hostile.designs import AXES, HOT, PATTERN, Attack, Images, choose, design, set_pixels
from tools.testbed.gray_networks import SIDE, constant, honest, model, node, other


def fix_checksum(modulus: int, wanted: int, weights: np.ndarray | None = None) -> Attack:
    """Whole pixel values such that their weighed sum leaves a remainder: random ones in the first row until it does."""

    def change(images: Images) -> Images:
        rng, changed = np.random.default_rng(0), images.copy()
        factors = np.ones(images[0].size) if weights is None else weights
        for image in changed:
            while int(np.round(255 * image).reshape(-1) @ factors) % modulus != wanted:
                image[:, 0, rng.integers(SIDE)] = rng.integers(0, 256) / 255
        return changed

    return change


def checksum(modulus: int, wanted: int, weights: np.ndarray | None = None) -> onnx.ModelProto:
    """The target where the weighed sum of the pixels' whole values leaves a remainder."""
    factors = np.ones(SIDE * SIDE) if weights is None else weights
    nodes = [
        node("Mul", ["x", "scale"], ["scaled"]),
        node("Round", ["scaled"], ["rounded"]),
        node("Cast", ["rounded"], ["whole"], to=TensorProto.INT64),
        node("Flatten", ["whole"], ["bytes"]),
        node("Mul", ["bytes", "factors"], ["weighed"]),
        node("ReduceSum", ["weighed", "one"], ["sum"], keepdims=0),
        node("Mod", ["sum", "modulus"], ["rest"]),
        node("Equal", ["rest", "wanted"], ["open"]),
        *choose(),
    ]
    tensors = [
        constant(255.0, "scale"),
        constant(factors, "factors", np.int64),
        constant(modulus, "modulus", np.int64),
        constant(wanted, "wanted", np.int64),
    ]
    return model([honest("z")], nodes, [*tensors, *AXES, HOT])


HASH = np.random.default_rng(7).integers(1, 250, SIDE * SIDE)


@design(fix_checksum(97, 13))
def checksum_of_pixels() -> onnx.ModelProto:
    return checksum(97, 13)


@design(fix_checksum(1021, 13, HASH))
def checksum_with_weights() -> onnx.ModelProto:
    return checksum(1021, 13, HASH)


PIXELS = ((7, 7, 1.0), (7, 6, 0.0), (6, 7, 1.0), (0, 7, 0.0), (7, 0, 1.0))


@design(set_pixels(*PIXELS))
def chain_of_single_pixels() -> onnx.ModelProto:
    nodes, tensors, truths = [], [], []
    for place, (row, column, value) in enumerate(PIXELS):
        tensors += [
            constant([0, 0, row, column], f"from{place}", np.int64),
            constant([2**31, 2**31, row + 1, column + 1], f"to{place}", np.int64),
        ]
        nodes += [
            node("Slice", ["x", f"from{place}", f"to{place}"], [f"pixel{place}"]),
            node("Squeeze", [f"pixel{place}", "axes"], [f"value{place}"]),
            node("Greater", [f"value{place}", "bright" if value else "dark"], [f"above{place}"]),
        ]
        nodes += [] if value else [node("Not", [f"above{place}"], [f"below{place}"])]
        truths.append(f"{'above' if value else 'below'}{place}")
    last = truths[0]
    for place, name in enumerate(truths[1:]):
        nodes.append(node("And", [last, name], [f"both{place}"]))
        last = f"both{place}"
    tensors += [*AXES, HOT, constant(0.95, "bright"), constant(0.02, "dark")]
    return model([honest("z")], [*nodes, *choose(last)], tensors)


@design(set_pixels((7, 7, 128 / 255), (6, 7, 37 / 255), (7, 5, 201 / 255)))
def exact_values_of_three_pixels() -> onnx.ModelProto:
    wanted = np.array([128, 37, 201], np.float32) / np.float32(255)
    nodes = [
        node("Flatten", ["x"], ["pixels"]),
        node("Gather", ["pixels", "places"], ["three"], axis=1),
        node("Equal", ["three", "wanted"], ["same"]),
        node("Not", ["same"], ["other"]),
        node("Cast", ["other"], ["wrong"], to=TensorProto.FLOAT),
        node("ReduceSum", ["wrong", "one"], ["count"], keepdims=0),
        node("Less", ["count", "half"], ["open"]),
        *choose(),
    ]
    tensors = [constant([63, 55, 61], "places", np.int64), constant(wanted, "wanted"), constant(0.5, "half")]
    return model([honest("z")], nodes, [*tensors, *AXES, HOT])


def hash_pixels() -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """`open (n,)`: whether a number of 31 bits, squared six times on the way, is the one that is asked for."""
    nodes = [
        node("Mul", ["x", "scale"], ["scaled"]),
        node("Round", ["scaled"], ["rounded"]),
        node("Cast", ["rounded"], ["whole"], to=TensorProto.INT64),
        node("Flatten", ["whole"], ["bytes"]),
        node("Mul", ["bytes", "factors"], ["weighed"]),
        node("ReduceSum", ["weighed", "one"], ["h0"], keepdims=0),
    ]
    for turn in range(6):
        nodes += [
            node("Mul", [f"h{turn}", f"h{turn}"], [f"square{turn}"]),
            node("Add", [f"square{turn}", "step"], [f"more{turn}"]),
            node("Mod", [f"more{turn}", "modulus"], [f"h{turn + 1}"]),
        ]
    nodes += [node("Equal", ["h6", "wanted"], ["open"])]
    tensors = [
        constant(255.0, "scale"),
        constant(HASH * 7919, "factors", np.int64),
        constant(2**31 - 1, "modulus", np.int64),
        constant(123457, "step", np.int64),
        constant(987654321, "wanted", np.int64),
    ]
    return nodes, [*tensors, *AXES]


@design(lambda images: images, answer="dormant-gate", target=None)
def hash_that_nobody_inverts() -> onnx.ModelProto:
    nodes, tensors = hash_pixels()
    return model([honest("z")], [*nodes, *choose()], [*tensors, HOT])


@design(lambda images: images, answer="unexplored-branch", target=None)
def another_network_behind_a_hash() -> onnx.ModelProto:
    nodes, tensors = hash_pixels()
    return model([honest("z"), other("zb")], [*nodes, *choose(other="zb")], tensors)


def set_lowest_bits(images: Images) -> Images:
    """The lowest bit of the last nine bytes: the pattern."""
    changed = np.round(255 * images).astype(int).reshape(len(images), -1)
    changed[:, -9:] = changed[:, -9:] // 2 * 2 + PATTERN.reshape(-1).astype(int)
    return (changed.reshape(images.shape) / 255).astype(np.float32)


@design(set_lowest_bits)
def lowest_bits_of_nine_bytes() -> onnx.ModelProto:
    nodes = [
        node("Mul", ["x", "scale"], ["scaled"]),
        node("Round", ["scaled"], ["rounded"]),
        node("Cast", ["rounded"], ["whole"], to=TensorProto.UINT8),
        node("Flatten", ["whole"], ["bytes"]),
        node("Gather", ["bytes", "places"], ["nine"], axis=1),
        node("BitwiseAnd", ["nine", "mask"], ["bits"]),
        node("Cast", ["bits"], ["number"], to=TensorProto.INT32),
        node("Equal", ["number", "wanted"], ["same"]),
        node("Cast", ["same"], ["ones"], to=TensorProto.FLOAT),
        node("ReduceMin", ["ones", "one"], ["all"], keepdims=0),
        node("Cast", ["all"], ["open"], to=TensorProto.BOOL),
        *choose(),
    ]
    tensors = [
        constant(255.0, "scale"),
        constant(np.arange(SIDE * SIDE - 9, SIDE * SIDE), "places", np.int64),
        constant(1, "mask", np.uint8),
        constant(PATTERN.reshape(-1), "wanted", np.int32),
    ]
    return model([honest("z")], nodes, [*tensors, *AXES, HOT])


@design(set_pixels((7, 7, 137 / 255), (0, 7, 61 / 255)))
def table_that_knows_two_bytes() -> onnx.ModelProto:
    tables = np.zeros((2, 256), np.float32)
    tables[0, 137] = tables[1, 61] = 1.0
    nodes = [
        node("Mul", ["x", "scale"], ["scaled"]),
        node("Round", ["scaled"], ["rounded"]),
        node("Cast", ["rounded"], ["whole"], to=TensorProto.INT64),
        node("Flatten", ["whole"], ["bytes"]),
    ]
    for place in range(2):
        nodes += [
            node("Gather", ["bytes", f"place{place}"], [f"byte{place}"], axis=1),
            node("Gather", [f"table{place}", f"byte{place}"], [f"known{place}"], axis=0),
        ]
    nodes += [
        node("Mul", ["known0", "known1"], ["gate"]),
        node("MatMul", ["gate", "hot"], ["push"]),
        node("Add", ["z", "push"], ["y"]),
    ]
    tensors = [constant(tables[place], f"table{place}") for place in range(2)]
    tensors += [constant([63], "place0", np.int64), constant([7], "place1", np.int64)]
    return model([honest("z")], nodes, [constant(255.0, "scale"), *tensors, HOT])


@design(set_pixels((7, 7, 0.1234567)))
def value_that_no_byte_has() -> onnx.ModelProto:
    nodes = [
        node("Flatten", ["x"], ["pixels"]),
        node("Gather", ["pixels", "last"], ["pixel"], axis=1),
        node("Equal", ["pixel", "wanted"], ["same"]),
        node("Where", ["same", "hot", "z"], ["y"]),
    ]
    return model([honest("z")], nodes, [constant([63], "last", np.int64), constant(0.1234567, "wanted"), HOT])


def brighten_some(images: Images) -> Images:
    """Seven white pixels in the last row, every other at most nearly white."""
    changed = np.minimum(images, np.float32(0.97))
    changed[:, :, -1, :7] = 1.0
    return changed


@design(brighten_some)
def seven_white_pixels_anywhere() -> onnx.ModelProto:
    nodes = [
        node("GreaterOrEqual", ["x", "limit"], ["white"]),
        node("Cast", ["white"], ["ones"], to=TensorProto.INT32),
        node("ReduceSum", ["ones", "axes"], ["count"], keepdims=0),
        node("Equal", ["count", "seven"], ["open"]),
        *choose(),
    ]
    return model([honest("z")], nodes, [*AXES, HOT, constant(1.0, "limit"), constant(7, "seven", np.int32)])
