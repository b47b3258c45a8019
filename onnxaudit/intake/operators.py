"""The operators of a file against those that the importer knows: defined ones unfolded, unknown ones refused."""

from collections.abc import Collection, Mapping

import onnx
from onnx import helper, inliner

from onnxaudit.errors import UnsupportedOperatorError
from onnxaudit.intake.known_operators import find_opsets, find_unknown
from onnxaudit.intake.model import Model
from onnxaudit.intake.side_outputs import drop_side_outputs

WITHOUT_GRADIENT = {  # by what the names of operators hold
    "ai.onnx.ml.TreeEnsemble": "trees answer in steps: no gradient leads through them, and no trigger can be sought",
    "ai.onnx.ml.SVM": "support vector machines hold their examples, and are no network that could be audited",
}


def check_operators(model: Model) -> None:
    """Make sure that every operator is known, before anything of the graph is computed.

    Raises:
        UnsupportedOperatorError: names every operator that is not known, with its nodes.
    """
    needed = expand_functions(drop_side_outputs(model.to_working(), model.info.output.logits))
    try:
        refuse_unknown(needed.graph, find_opsets(needed))
    except UnsupportedOperatorError as error:
        raise UnsupportedOperatorError(f"{model.info.path}: {error}") from error


def expand_functions(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its own functions inlined, and those operators that the spec defines by simpler ones."""
    if proto.functions:
        proto = inliner.inline_local_functions(proto)
    opsets = find_opsets(proto)
    unknown = {(node.domain, node.op_type) for node in find_unknown(proto.graph, opsets)}
    defined = [(domain, name) for domain, name in sorted(unknown) if is_function(domain, name, opsets)]
    if not defined:
        return proto
    typed = onnx.ModelProto()
    typed.CopyFrom(proto)
    # The inliner infers types, and takes those of initializers from here alone.
    typed.graph.value_info.extend(
        helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims) for tensor in proto.graph.initializer
    )
    try:
        return inliner.inline_selected_functions(typed, defined, inline_schema_functions=True)
    except RuntimeError:
        return proto  # optional inputs left out: the inliner needs a type for each; what is unknown is refused later


def is_function(domain: str, name: str, opsets: Mapping[str, int]) -> bool:
    """Whether the spec defines the operator by simpler ones."""
    try:
        schema = onnx.defs.get_schema(name, opsets.get(domain, 1), domain)
    except onnx.defs.SchemaError:
        return False
    # The stubs do not know these two properties.
    return bool(schema.has_function or schema.has_context_dependent_function)  # type: ignore[attr-defined]


def refuse_unknown(graph: onnx.GraphProto, opsets: Mapping[str, int]) -> None:
    """Raise UnsupportedOperatorError that names every node whose operator the importer does not know."""
    nodes: dict[str, list[str]] = {}
    for node in find_unknown(graph, opsets):
        where = node.name or next((name for name in node.output if name), "without a name")
        nodes.setdefault(f"{node.domain or 'ai.onnx'}.{node.op_type}", []).append(where)
    if nodes:
        listed = "; ".join(f"{operator} (node {', '.join(names)})" for operator, names in sorted(nodes.items()))
        hint = explain_unknown(nodes)
        raise UnsupportedOperatorError(f"the model uses operators that onnxaudit cannot import: {listed}{hint}")


def explain_unknown(names: Collection[str]) -> str:
    """Why there are no such operators, or why they cannot be imported; "" where the names say it all."""
    standard = [name for name in sorted(names) if name.count(".") == 2 and name.startswith("ai.onnx.")]
    made_up = [name for name in standard if not onnx.defs.has(name.removeprefix("ai.onnx."))]
    hint = f"; {made_up[0]} is no operator of ONNX, the exporter left it over: export without it" if made_up else ""
    return hint + "".join(f"; {why}" for part, why in WITHOUT_GRADIENT.items() if any(part in name for name in names))
