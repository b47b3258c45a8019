"""How values flow from the image to the logits: what depends on the image, where values meet, what carries weights."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from onnxaudit.importer.graph import MISSING, Graph, Step
from onnxaudit.importer.plan import select_steps
from onnxaudit.importer.registry import find_operator
from onnxaudit.structure.branches import SELECT, spread_branches


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One of several inputs of a step that depend on the image.

    Attributes:
        step: index of the step in the flow.
        position: of the input.
        tensor: name of what is read, as in the file.
        alias: name of the same values for this reader alone.
        merge: name of the step's first output.
    """

    step: int
    position: int
    tensor: str
    alias: str
    merge: str


@dataclass(frozen=True, eq=False)
class Flow:
    """A graph cut down to what the logits need; each edge has a name of its own.

    Attributes:
        graph: the flat graph.
        input, logits: names of both ends.
        edges: where values meet, in the order of computation.
    """

    graph: Graph
    input: str
    logits: str
    edges: tuple[Edge, ...]

    @cached_property
    def dependent(self) -> frozenset[str]:
        """Names of the tensors whose values depend on the image."""
        return find_dependent(self.graph.steps, self.input)

    @cached_property
    def producers(self) -> Mapping[str, int]:
        """The step that makes each tensor."""
        return {name: index for index, step in enumerate(self.graph.steps) for name in step.outputs if name != MISSING}

    @cached_property
    def sizes(self) -> tuple[str, ...]:
        """Numbers made of sizes alone (how many images there are, how large) that meet values of the image."""
        made, met = set[str](), list[str]()
        for step in self.graph.steps:
            read = [name for name in list_values(step, static=False) if name in made]
            if self.dependent & set(step.outputs):
                met += read
            elif read or self.dependent & set(step.inputs):
                made.update(step.outputs)
        return tuple(dict.fromkeys(met))

    def list_before(self, name: str, *, without: str = "") -> tuple[int, ...]:
        """The steps that depend on the image and lead to a tensor, on ways that avoid one; in order."""
        found, waiting = set[int](), [name]
        while waiting:
            place = waiting.pop()
            index = self.producers.get(place) if place != without else None
            if index is not None and index not in found and self.dependent & set(self.graph.steps[index].outputs):
                found.add(index)
                waiting.extend(list_values(self.graph.steps[index]))
        return tuple(sorted(found))

    def list_behind(self, name: str) -> tuple[int, ...]:
        """The steps that a tensor leads to, in the order of computation."""
        reached, found = {name}, []
        for index, step in enumerate(self.graph.steps):
            if reached & set(list_values(step)):
                reached.update(step.outputs)
                found.append(index)
        return tuple(found)

    def count_weights(self, steps: tuple[int, ...] | range) -> int:
        """Numbers stored in the file that some steps read; what several read counts once."""
        stored = {**self.graph.constants, **self.graph.weights}
        names = {name for index in steps for name in self.graph.steps[index].inputs if name in stored}
        return sum(stored[name].numel() for name in names if stored[name].is_floating_point())

    @cached_property
    def all_weights(self) -> int:
        """All numbers that the logits need."""
        return max(1, self.count_weights(range(len(self.graph.steps))))

    def list_waists(self, name: str) -> tuple[str, ...]:
        """Tensors that every way from the image to a tensor passes, from the image on; the tensor is the last."""
        before = self.list_before(name)
        depth: dict[str, int] = {self.input: 0}
        above: dict[str, str] = {}
        for index in before:
            step = self.graph.steps[index]
            sources = [source for source in list_values(step) if source in depth]
            nearest = sources[0] if sources else self.input
            for other in sources[1:]:
                nearest = _meet(nearest, other, depth, above)
            for made in step.outputs:
                if made != MISSING:
                    above[made], depth[made] = nearest, depth[nearest] + 1
        chain = [name]
        while chain[-1] in above:
            chain.append(above[chain[-1]])
        return tuple(chain[::-1])


def _meet(first: str, second: str, depth: Mapping[str, int], above: Mapping[str, str]) -> str:
    while first != second:
        if depth[first] >= depth[second] and first in above:
            first = above[first]
        else:
            second = above[second]
    return first


def trace_flow(graph: Graph, input_name: str, logits: str) -> Flow:
    """The flow of a graph from its input to its logits."""
    spread = spread_branches(graph, find_dependent(graph.steps, input_name))
    stored = {input_name, *spread.constants, *spread.weights}
    steps, _ = select_steps(spread.steps, stored, [logits])
    steps, edges = _name_edges(steps, find_dependent(steps, input_name))
    return Flow(replace(spread, steps=tuple(steps)), input_name, logits, tuple(edges))


def find_dependent(steps: tuple[Step, ...] | list[Step], source: str) -> frozenset[str]:
    """Names of tensors whose values depend on those of `source`; that its shape alone decides does not count."""
    found = {source}
    for step in steps:
        if found & set(list_values(step)):
            found.update(name for name in step.outputs if name != MISSING)
    return frozenset(found)


def list_values(step: Step, *, static: bool = True) -> list[str]:
    """Names of the tensors whose values a step reads, not their shapes alone; those that shape its output if asked."""
    last = len(step.operator.inputs) - 1
    left_out = step.operator.described if static else step.operator.described | step.operator.static
    return [
        name
        for position, name in enumerate(step.inputs)
        if name != MISSING and position not in step.values and min(position, last) not in left_out
    ]


def _name_edges(steps: list[Step], dependent: frozenset[str]) -> tuple[list[Step], list[Edge]]:
    """The steps with one more before each input of a step at which several values meet."""
    identity = find_operator("", "Identity", 1)
    assert identity is not None
    named: list[Step] = []
    edges: list[Edge] = []
    for step in steps:
        values = set(list_values(step)) & dependent
        if len(values) < 2:
            named.append(step)
            continue
        inputs, found = list(step.inputs), []
        for position, name in enumerate(step.inputs):
            if name in values and position not in step.values:
                alias = f"{name} for input {position} of {step.outputs[0]}"
                named.append(Step(f"Identity {name!r}", identity, {}, (name,), (alias,), {}))
                inputs[position] = alias
                found.append((position, name, alias))
        named.append(replace(step, inputs=tuple(inputs)))
        merge = next(name for name in step.outputs if name != MISSING)
        edges += [
            Edge(step=len(named) - 1, position=position, tensor=name, alias=alias, merge=merge)
            for position, name, alias in found
        ]
    return named, edges


def find_kind(step: Step) -> str:
    """The operator of a step, as in the file."""
    return step.name.split(" ", 1)[0]


def selects(step: Step) -> bool:
    """Whether the first input of a step says which of the others counts."""
    return step.operator is SELECT or find_kind(step) == "Where"
