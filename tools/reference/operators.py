"""The page of supported operators, from the importer's registry."""

import inspect

import onnx

from onnxaudit.importer import ops  # noqa: F401 - fills the registry
from onnxaudit.importer.registry import CLASSICAL, Operator, find_operator, list_operators

NEWEST = 1000  # beyond any opset
CONSTANT = "Constant"  # stored when the graph is parsed, so that no step computes it
HEADING = """# Supported operators

A model may use opset 7 or any newer one. For each operator the newest version below that is not newer than the model's
opset is taken; *from opset* lists the versions that are told apart.

{count} operators are computed directly: {standard} of ONNX's own domain, {classical} of `ai.onnx.ml` and {microsoft} of
`com.microsoft` and its domain for blocked layout. Others that the ONNX specification defines by these are replaced by
their definition. A model's own functions are inlined. Of `ai.onnx.ml` a LinearClassifier is read besides, and ZipMap,
LabelEncoder, ArrayFeatureExtractor and Normalizer are seen through behind the scores. What stands beside the way to the
scores need not be known. Anything else is refused, with all unknown operators of the model named at once.
"""


def write_page() -> str:
    """The whole page in Markdown."""
    operators = list_operators()
    domains = sorted({domain for domain, _ in operators})
    counts = {domain: sum(domain == other for other, _ in operators) for domain in domains}
    counts[""] += 1  # Constant
    count = sum(counts.values())
    standard, classical = counts[""], counts[CLASSICAL]
    rest = count - standard - classical
    parts = [HEADING.format(count=count, standard=standard, classical=classical, microsoft=rest)]
    for domain in domains:
        rows = {name: versions for (other, name), versions in operators.items() if other == domain}
        parts.append(write_table(domain, rows))
    parts.append("## By definition\n\n" + ", ".join(f"`{name}`" for name in list_defined()) + "\n")
    return "\n".join(parts)


def write_table(domain: str, rows: dict[str, tuple[Operator, ...]]) -> str:
    """One domain's operators, with what each computes."""
    lines = {name: (", ".join(str(version.since) for version in rows[name]), describe(rows[name][-1])) for name in rows}
    if domain == "":
        lines[CONSTANT] = ("1", "A stored value.")
    table = [f"## `{domain or 'ai.onnx'}`\n", "| operator | from opset | what is computed |", "|---|---|---|"]
    table += [f"| {name} | {since} | {note} |" for name, (since, note) in sorted(lines.items())]
    return "\n".join(table) + "\n"


def describe(operator: Operator) -> str:
    """The first sentence of what an operator says of itself."""
    return (inspect.getdoc(operator.function) or "Element by element.").split("\n")[0].replace("|", "\\|")


def list_defined() -> list[str]:
    """Operators of the newest opset that are not registered but defined by operators that are."""
    schemas = [schema for schema in onnx.defs.get_all_schemas() if schema.domain == "" and not schema.deprecated]
    unknown = [schema for schema in schemas if (schema.domain, schema.name) not in list_operators()]
    defined = [schema for schema in unknown if schema.has_function]  # type: ignore[attr-defined] # the stubs lack it
    return sorted(schema.name for schema in defined if is_known(schema.function_body))


def is_known(body: onnx.FunctionProto) -> bool:
    """Whether the registry holds every operator of a definition."""
    return all(
        node.op_type == CONSTANT or find_operator(node.domain, node.op_type, NEWEST) is not None for node in body.node
    )
