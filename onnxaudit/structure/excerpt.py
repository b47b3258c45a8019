"""A small picture of the part of a graph that leads to a gate: its nodes by name, all else summed up."""

from collections.abc import Iterable

from onnxaudit.importer.graph import Step
from onnxaudit.records import GraphNode
from onnxaudit.records.structure import Role
from onnxaudit.structure.flow import Edge, Flow, find_kind, list_values

MOST_STEPS = 12  # that are shown by name


def cut_excerpt(flow: Flow, edge: Edge, gate: str) -> tuple[GraphNode, ...]:
    """The nodes from the input to the place where a gate meets the rest of the graph.

    Args:
        flow: the graph.
        edge: how the gate is read.
        gate: the tensor that is the gate.
    """
    meeting = flow.graph.steps[edge.step]
    before = [index for index in flow.list_before(edge.tensor) if not is_alias(flow.graph.steps[index], flow)]
    shown = before[-MOST_STEPS:]
    nodes = [GraphNode(operator="", name=flow.input, role="input")]
    places = {flow.input: 0}
    if len(before) > len(shown):
        nodes.append(GraphNode(operator="", name=_sum_up(flow, before[:-MOST_STEPS]), reads=(0,), role="rest"))
        places |= {name: 1 for index in before[:-MOST_STEPS] for name in flow.graph.steps[index].outputs}
    for index in shown:
        step = flow.graph.steps[index]
        role: Role = "gate" if gate in step.outputs else "step"
        places |= dict.fromkeys(step.outputs, len(nodes))
        nodes.append(
            GraphNode(operator=find_kind(step), name=step.outputs[0], reads=_find(flow, step, places), role=role)
        )
    others = [name for name in list_values(meeting) if name in flow.dependent and name != edge.alias]
    steps = {index for name in others for index in flow.list_before(name)} - set(shown)
    if steps:
        places |= {
            name: len(nodes) for index in steps for name in flow.graph.steps[index].outputs if name not in places
        }
        nodes.append(GraphNode(operator="", name=_sum_up(flow, sorted(steps)), reads=(0,), role="rest"))
        places |= dict.fromkeys(others, len(nodes) - 1)
    reads = _find(flow, meeting, places)
    nodes.append(GraphNode(operator=find_kind(meeting), name=edge.merge, reads=reads, role="meeting"))
    if edge.merge != flow.logits:
        behind = flow.list_behind(edge.merge)
        reads, operator = (len(nodes) - 1,), ""
        nodes.append(GraphNode(operator=operator, name=_sum_up(flow, behind), reads=reads, role="rest"))
        nodes.append(GraphNode(operator=operator, name=flow.logits, reads=(len(nodes) - 1,), role="output"))
    return tuple(nodes)


def is_alias(step: Step, flow: Flow) -> bool:
    """Whether a step only gives an edge its name."""
    return any(step.outputs[0] == edge.alias for edge in flow.edges)


def _find(flow: Flow, step: Step, places: dict[str, int]) -> tuple[int, ...]:
    aliases = {edge.alias: edge.tensor for edge in flow.edges}
    names = [name if name in places else aliases.get(name, name) for name in list_values(step)]
    return tuple(sorted({places[name] for name in names if name in places}))


def _sum_up(flow: Flow, steps: Iterable[int]) -> str:
    chosen = tuple(index for index in steps if not is_alias(flow.graph.steps[index], flow))
    weights = flow.count_weights(chosen)
    return f"{len(chosen)} more nodes" + (f", {weights:,} weights" if weights else "")
