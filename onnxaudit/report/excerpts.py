"""A part of a graph in words: one line a node, for terminals and for those who do not see the picture."""

from onnxaudit.records import GraphNode, GraphPart

LONGEST = 60  # characters of a name
MARKS = {"gate": "  <- does nothing on clean images", "meeting": "  <- here it takes over"}


def write_excerpt(part: GraphPart) -> tuple[str, ...]:
    """One line a node, each behind those that it reads."""
    return tuple(describe_node(node, part.nodes) for node in part.nodes)


def describe_node(node: GraphNode, nodes: tuple[GraphNode, ...]) -> str:
    """What a node makes of what."""
    reads = ", ".join(_cut(nodes[place].name) for place in node.reads if 0 <= place < len(nodes))
    name = _cut(node.name)
    match node.role:
        case "input":
            return f"input {name}"
        case "output":
            return f"scores {name} = {reads}"
        case "rest":
            return f"({name})"
    return f"{name} = {_cut(node.operator)}({reads}){MARKS.get(node.role, '')}"


def describe_proof(part: GraphPart) -> str:
    """Which image wakes it, and what becomes of its answer; "" where none was found."""
    if part.proof is None:
        return ""
    changed = int((part.proof.change != 0).any(axis=0).sum())
    share = changed / part.proof.change[0].size
    return (
        f"Clean sample {part.proof.sample} with {changed} pixels changed ({100 * share:.1f} % of the image) is class "
        f"{part.proof.after}; with the part held, class {part.proof.before}, as before."
    )


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
