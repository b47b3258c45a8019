"""What meets where, what leads to it, and what every way to it passes."""

import pytest
import torch

from onnxaudit.importer.parser import parse
from onnxaudit.structure.flow import Flow, trace_flow
from tests.hostile.gates import DESIGNS
from tests.hostile.honest_graphs import HONEST


def trace(name: str) -> Flow:
    made = DESIGNS[name].make() if name in DESIGNS else HONEST[name]()
    return trace_flow(parse(made), "x", "y")


def list_meetings(flow: Flow) -> set[tuple[str, str]]:
    return {(edge.tensor, edge.merge) for edge in flow.edges}


def test_values_meet_where_two_inputs_depend_on_the_image() -> None:
    assert list_meetings(trace("corner_pattern_by_less")) == {("column", "y"), ("z", "y")}


def test_a_chain_has_no_meeting() -> None:
    assert not trace("quantized_and_back").edges


def test_both_branches_of_an_if_are_part_of_the_flow() -> None:
    tensors = {edge.tensor for edge in trace("branch_of_an_if").edges}
    assert "cond" in tensors
    assert any(tensor.startswith("same of the else_branch") for tensor in tensors)


def test_a_branch_that_a_size_decides_is_left_as_it_is() -> None:
    assert not trace("branch_that_depends_on_a_size").edges


def test_every_way_to_a_gate_passes_its_waists_in_order() -> None:
    waists = trace("clip_gate_between_two_scores").list_waists("rest")
    assert waists == ("x", "pixels", "match", "over", "drive", "gate", "rest")


def test_what_only_one_edge_leads_to_is_missing_without_it() -> None:
    flow = trace("another_network_behind_a_hash")
    left = set(flow.list_before("y")) - set(flow.list_before("y", without="zb for input 1 of y"))
    made = {flow.graph.steps[index].outputs[0] for index in left}
    assert {"zb", "b_h"} <= made
    assert "z" not in made
    assert flow.count_weights(tuple(left)) == flow.all_weights // 2


def test_the_number_of_images_is_a_size_that_meets_values() -> None:
    assert trace("gate_for_single_images_alone").sizes == ("alone",)
    assert not trace("attention_over_places").sizes


@pytest.mark.parametrize("name", ["corner_pattern_by_less", "branch_of_an_if"])
def test_every_edge_has_a_name_of_its_own(name: str) -> None:
    flow = trace(name)
    assert len({edge.alias for edge in flow.edges}) == len(flow.edges)
    assert all(edge.alias in flow.producers for edge in flow.edges)
    assert torch.is_tensor(next(iter(flow.graph.weights.values())))
