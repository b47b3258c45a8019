"""A device that is none: tensors "there" are tensors here, and nothing that is not there may be mixed with them.

PyTorch's `meta` device is taken for the pretended one, because every build knows it: within `pretend`, what is made on
or moved to `meta` is an `Elsewhere`, which holds its values in ordinary memory. As with CUDA, an operation whose
operands lie in two places raises, but for numbers, indices, and copies; and numpy cannot read such a tensor.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

PLACE = torch.device("meta")
aten = torch.ops.aten
COPIES = {aten._to_copy, aten.copy_, aten.lift_fresh, aten.lift_fresh_copy}
INDEXED = {aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_, aten._unsafe_index}


class DeviceMixError(RuntimeError):
    """An operation whose operands lie in two places."""


class Elsewhere(Tensor):
    """A tensor that says it is on the pretended device."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "Elsewhere":
        made = Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=PLACE,
            requires_grad=held.requires_grad,
        )
        made.held = held
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Outside `pretend` as well."""
        return carry_out(function, args, kwargs or {})

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Elsewhere({self.held!r})"


def carry_out(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The operation on the values that are held; what comes of it is where its operands are."""
    operands = [one for one in tree_flatten((args, kwargs))[0] if isinstance(one, Tensor)]
    target = kwargs.get("device")
    there = any(isinstance(one, Elsewhere) for one in operands)
    if there:
        check(function, args, operands)
    if target is not None:
        there = torch.device(target).type == PLACE.type
        kwargs = {**kwargs, "device": torch.device("cpu")}
    if not there and not any(isinstance(one, Elsewhere) for one in operands):
        return function(*args, **kwargs)
    inner_args, inner_kwargs = tree_map(open_up, (tuple(args), dict(kwargs)))
    made = function(*inner_args, **inner_kwargs)
    if function._schema.name.endswith("_") and isinstance(args[0], Tensor):
        return args[0]
    if "out" in kwargs:
        return kwargs["out"]
    return tree_map(lambda one: wrap(one, operands) if there else one, made)


def open_up(one: Any) -> Any:
    """What is held."""
    return one.held if isinstance(one, Elsewhere) else one


def wrap(one: Any, operands: Sequence[Tensor]) -> Any:
    """The same, elsewhere; an operand that was changed in place stays the same object."""
    if not isinstance(one, Tensor) or isinstance(one, Elsewhere):
        return one
    return next((known for known in operands if isinstance(known, Elsewhere) and known.held is one), Elsewhere(one))


def check(function: Any, args: Sequence[Any], operands: Sequence[Tensor]) -> None:
    """Refuse operands in two places.

    Raises:
        DeviceMixError: there are some.
    """
    packet = function.overloadpacket
    if packet in COPIES:
        return
    allowed = {id(one) for one in tree_flatten(args[1])[0] if one is not None} if packet in INDEXED else set[int]()
    here = [one for one in operands if not isinstance(one, Elsewhere) and one.ndim and id(one) not in allowed]
    if here:
        shapes = ", ".join(f"{tuple(one.shape)} {one.dtype}" for one in here)
        raise DeviceMixError(f"{function}: all but {shapes} is on the pretended device")


class _Dispatch(TorchDispatchMode):
    """Makes tensors elsewhere where the pretended device is named."""

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return carry_out(function, args, kwargs or {})


class _Functions(TorchFunctionMode):
    """What does not come by way of operators."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        if function in (torch.tensor, torch.as_tensor) and kwargs.get("device") is not None:
            return function(*args, **{**kwargs, "device": None}).to(kwargs["device"])
        if args and isinstance(args[0], Elsewhere):
            if function is Tensor.tolist:
                return args[0].detach().cpu().tolist()
            if function in (Tensor.numpy, Tensor.__array__):
                if kwargs.get("force"):
                    return args[0].detach().cpu().numpy()
                raise TypeError("numpy cannot read a tensor on the pretended device; use Tensor.cpu() first")
        return function(*args, **kwargs)


@contextmanager
def pretend() -> Iterator[torch.device]:
    """The pretended device, which is there in the block."""
    with _Functions(), _Dispatch():
        yield PLACE
