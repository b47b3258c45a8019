"""Recurrent layers: RNN, GRU and LSTM, forward, reverse and bidirectional."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.importer.registry import op

Activation = Callable[[Tensor], Tensor]
Step = Callable[[Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]]
DEFAULT_ALPHA = {"LeakyRelu": 0.01, "ThresholdedRelu": 1.0, "ScaledTanh": 1.0, "HardSigmoid": 0.2, "Elu": 1.0}
DEFAULT_BETA = {"ScaledTanh": 1.0, "HardSigmoid": 0.5}
ACTIVATIONS: dict[str, Callable[[Tensor, float, float], Tensor]] = {
    "Relu": lambda x, _a, _b: torch.relu(x),
    "Tanh": lambda x, _a, _b: torch.tanh(x),
    "Sigmoid": lambda x, _a, _b: torch.sigmoid(x),
    "Affine": lambda x, a, b: a * x + b,
    "LeakyRelu": lambda x, a, _b: F.leaky_relu(x, a),
    "ThresholdedRelu": lambda x, a, _b: torch.where(x > a, x, torch.zeros_like(x)),
    "ScaledTanh": lambda x, a, b: a * torch.tanh(b * x),
    "HardSigmoid": lambda x, a, b: torch.clamp(a * x + b, 0, 1),
    "Elu": lambda x, a, _b: F.elu(x, a),
    "Softsign": lambda x, _a, _b: F.softsign(x),
    "Softplus": lambda x, _a, _b: F.softplus(x),
}


@dataclass(frozen=True)
class Direction:
    """One direction's weights; `w` `(gates·hidden, input)`, `r` `(gates·hidden, hidden)`, biases `(gates·hidden,)`."""

    w: Tensor
    r: Tensor
    wb: Tensor | None
    rb: Tensor | None
    peephole: Tensor | None
    activations: list[Activation]
    clip: float | None

    def limit(self, x: Tensor) -> Tensor:
        """`x` before an activation, clipped if the node asks for it."""
        return x if self.clip is None else x.clamp(-self.clip, self.clip)


@op("RNN", since=7)
def run_rnn(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    sequence_lens: Tensor | None = None,
    initial_h: Tensor | None = None,
    *,
    activation_alpha: list[float] | None = None,
    activation_beta: list[float] | None = None,
    activations: list[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,  # noqa: ARG001 - the weights say it
    layout: int = 0,
) -> tuple[Tensor, ...]:
    """`h = f(x·W + h·R + b)`."""
    choice = _choose_activations(activations or ["Tanh"] * len(w), activation_alpha, activation_beta)

    def make_step(side: Direction) -> Step:
        def step(x_t: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return (side.activations[0](side.limit(x_t + F.linear(state[0], side.r, side.rb))),)

        return step

    sides = _split_directions(w, r, b=b, p=None, activations=choice, clip=clip)
    return _run(x, sides, make_step, lens=sequence_lens, initial=(initial_h,), direction=direction, layout=layout)


@op("GRU", since=7)
def run_gru(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    sequence_lens: Tensor | None = None,
    initial_h: Tensor | None = None,
    *,
    activation_alpha: list[float] | None = None,
    activation_beta: list[float] | None = None,
    activations: list[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,  # noqa: ARG001
    layout: int = 0,
    linear_before_reset: int = 0,
) -> tuple[Tensor, ...]:
    """`h = (1 − z)·g(x·W + r·h·R) + z·h` with gates `z`, `r`."""
    choice = _choose_activations(activations or ["Sigmoid", "Tanh"] * len(w), activation_alpha, activation_beta)

    def make_step(side: Direction) -> Step:
        size = side.r.shape[1]
        gates, candidate = side.r[: 2 * size], side.r[2 * size :]
        gate_bias, candidate_bias = (None, None) if side.rb is None else (side.rb[: 2 * size], side.rb[2 * size :])

        def step(x_t: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            h = state[0]
            f, g = side.activations
            z, reset = f(side.limit(x_t[..., : 2 * size] + F.linear(h, gates, gate_bias))).chunk(2, -1)
            if linear_before_reset:
                recurrent = reset * F.linear(h, candidate, candidate_bias)
            else:
                recurrent = F.linear(reset * h, candidate, candidate_bias)
            return ((1 - z) * g(side.limit(x_t[..., 2 * size :] + recurrent)) + z * h,)

        return step

    sides = _split_directions(w, r, b=b, p=None, activations=choice, clip=clip)
    return _run(x, sides, make_step, lens=sequence_lens, initial=(initial_h,), direction=direction, layout=layout)


@op("LSTM", since=7)
def run_lstm(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    sequence_lens: Tensor | None = None,
    initial_h: Tensor | None = None,
    initial_c: Tensor | None = None,
    p: Tensor | None = None,
    *,
    activation_alpha: list[float] | None = None,
    activation_beta: list[float] | None = None,
    activations: list[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,  # noqa: ARG001
    input_forget: int = 0,
    layout: int = 0,
) -> tuple[Tensor, ...]:
    """`c = f·c + i·g(x·W + h·R)`, `h = o·h(c)` with gates `i`, `o`, `f` and optional peepholes."""
    names = activations or ["Sigmoid", "Tanh", "Tanh"] * len(w)
    choice = _choose_activations(names, activation_alpha, activation_beta)

    def make_step(side: Direction) -> Step:
        peep_i, peep_o, peep_f = (0.0, 0.0, 0.0) if side.peephole is None else side.peephole.chunk(3)
        gate, candidate, output = side.activations

        def step(x_t: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            h, c = state
            i, o, f, g = (x_t + F.linear(h, side.r, side.rb)).chunk(4, -1)
            i = gate(side.limit(i + peep_i * c))
            f = 1 - i if input_forget else gate(side.limit(f + peep_f * c))
            c = f * c + i * candidate(side.limit(g))
            return gate(side.limit(o + peep_o * c)) * output(c), c

        return step

    sides = _split_directions(w, r, b=b, p=p, activations=choice, clip=clip)
    return _run(
        x, sides, make_step, lens=sequence_lens, initial=(initial_h, initial_c), direction=direction, layout=layout
    )


def _choose_activations(names: list[str], alphas: list[float] | None, betas: list[float] | None) -> list[Activation]:
    """Activations with their parameters, which are listed only for those that have any."""
    alpha, beta = iter(alphas or ()), iter(betas or ())
    return [_choose_activation(name, alpha, beta) for name in names]


def _choose_activation(name: str, alphas: Iterator[float], betas: Iterator[float]) -> Activation:
    known = {key.lower(): key for key in ACTIVATIONS}
    name = known[name.lower()]
    takes = name in DEFAULT_ALPHA or name == "Affine"
    alpha = next(alphas, DEFAULT_ALPHA.get(name, 1.0)) if takes else 0.0
    beta = next(betas, DEFAULT_BETA.get(name, 0.0)) if name in DEFAULT_BETA or name == "Affine" else 0.0
    function = ACTIVATIONS[name]
    return lambda x: function(x, alpha, beta)


def _split_directions(
    w: Tensor,
    r: Tensor,
    *,
    b: Tensor | None,
    p: Tensor | None,
    activations: list[Activation],
    clip: float | None,
) -> list[Direction]:
    per_side = len(activations) // len(w)
    sides = []
    for side in range(len(w)):
        wb, rb = (None, None) if b is None else b[side].chunk(2)
        chosen = activations[side * per_side : (side + 1) * per_side]
        sides.append(
            Direction(
                w=w[side],
                r=r[side],
                wb=wb,
                rb=rb,
                peephole=None if p is None else p[side],
                activations=chosen,
                clip=clip,
            )
        )
    return sides


def _run(
    x: Tensor,
    sides: list[Direction],
    make_step: Callable[[Direction], Step],
    *,
    lens: Tensor | None,
    initial: tuple[Tensor | None, ...],
    direction: str,
    layout: int,
) -> tuple[Tensor, ...]:
    """All directions: `Y` `(seq, directions, batch, hidden)` and the final states `(directions, batch, hidden)`."""
    x = x.transpose(0, 1) if layout else x
    outputs, finals = [], []
    for number, side in enumerate(sides):
        start = tuple(
            x.new_zeros(x.shape[1], side.r.shape[1])
            if state is None
            else (state[:, number] if layout else state[number])
            for state in initial
        )
        backwards = direction == "reverse" or number == 1
        y, final = _run_direction(x, side, make_step(side), lens=lens, state=start, backwards=backwards)
        outputs.append(y)
        finals.append(final)
    y = torch.stack(outputs, 1)
    states = [torch.stack(parts) for parts in zip(*finals, strict=True)]
    if layout:
        return y.permute(2, 0, 1, 3), *(state.transpose(0, 1) for state in states)
    return y, *states


def _run_direction(
    x: Tensor, side: Direction, step: Step, *, lens: Tensor | None, state: tuple[Tensor, ...], backwards: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    projected = F.linear(x, side.w, side.wb)
    order = range(len(x) - 1, -1, -1) if backwards else range(len(x))
    outputs: dict[int, Tensor] = {}
    for time in order:
        fresh = step(projected[time], state)
        if lens is None:
            state = fresh
            outputs[time] = state[0]
        else:
            # A sample that has ended keeps its state; reversed, it starts at its own last step.
            alive = (time < lens.to(x.device))[:, None]
            state = tuple(torch.where(alive, new, old) for new, old in zip(fresh, state, strict=True))
            outputs[time] = torch.where(alive, state[0], torch.zeros_like(state[0]))
    return torch.stack([outputs[time] for time in range(len(x))]), state
