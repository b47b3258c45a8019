"""`Model`: the ONNX graph as the only truth, with initializer values laid over it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from onnxaudit.intake.stored import Encoding, Scaling, decode, encode, find_encodings, list_stored
from onnxaudit.records import ModelInfo

Tensor = npt.NDArray[Any]
NO_VALUES: Mapping[str, Tensor] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Model:
    """A checked ONNX model.

    The protobuf is shared and never changed. Changed weights are `values` laid over its initializers, so that
    a new `Model` costs only what differs and rolling back is keeping the old variable.

    Attributes:
        proto: the vendor's graph, as read.
        info: what is known of it.
        values: new values of stored tensors, by initializer name or by output name of a Constant node, in nested
            graphs too; shapes and types are those of the tensors they replace.
        working: the graph as it is computed with, where the vendor's cannot be used as it stands.
    """

    proto: onnx.ModelProto
    info: ModelInfo
    values: Mapping[str, Tensor] = field(default_factory=lambda: NO_VALUES)
    working: onnx.ModelProto | None = None

    @property
    def computed(self) -> onnx.ModelProto:
        """The model as it is computed with, `values` left out; not to be changed."""
        return self.proto if self.working is None else self.working

    def with_values(self, values: Mapping[str, Tensor]) -> "Model":
        """The same model with these stored tensors replaced.

        A weight that is stored as whole numbers can be given as floats, under the name of the tensor that its
        DequantizeLinear node makes: it is rounded with the scale that the file has.
        """
        fresh = {}
        for name, value in values.items():
            encoding = self._encodings.get(name)
            if encoding is None:
                fresh[name] = value
            else:
                stored = self.initializer(encoding.codes)
                fresh[encoding.codes] = encode(np.asarray(value), stored, self._read_scaling(encoding))[0]
        return replace(self, values=MappingProxyType({**self.values, **fresh}))

    def initializer(self, name: str) -> Tensor:
        """The value in force of one initializer, Constant node, or weight stored as whole numbers (then as floats).

        Raises:
            KeyError: the graph stores no tensor of that name.
        """
        if name in self.values:
            return self.values[name]
        for proto in (self.proto, self.computed):
            for stored_name, tensor in list_stored(proto):
                if stored_name == name:
                    return numpy_helper.to_array(tensor)
        encoding = self._encodings[name]
        return decode(self.initializer(encoding.codes), self._read_scaling(encoding))

    def _read_scaling(self, encoding: Encoding) -> Scaling:
        return Scaling(
            scale=self.initializer(encoding.scale),
            zero_point=self.initializer(encoding.zero_point) if encoding.zero_point else None,
            axis=encoding.axis,
            block_size=encoding.block_size,
        )

    @cached_property
    def _encodings(self) -> dict[str, Encoding]:
        return find_encodings(self.computed)

    def to_proto(self) -> onnx.ModelProto:
        """A copy of the protobuf in which `values` stand; all else is the vendor's, byte for byte."""
        return self._with_values(self.proto)

    def to_working(self) -> onnx.ModelProto:
        """The model as it is computed with, `values` in force; not to be changed."""
        return self._with_values(self.computed) if self.values else self.computed

    def _with_values(self, source: onnx.ModelProto) -> onnx.ModelProto:
        proto = onnx.ModelProto()
        proto.CopyFrom(source)
        for name, tensor in list_stored(proto):
            if name in self.values:
                _store(name, tensor, self.values[name])
        return proto

    def to_bytes(self) -> bytes:
        """The serialized `to_proto`."""
        source = self.to_proto() if self.values else self.proto
        return source.SerializeToString()


def _store(name: str, tensor: onnx.TensorProto, value: Tensor) -> None:
    stored = numpy_helper.to_array(tensor)
    assert value.shape == stored.shape, (name, value.shape, stored.shape)
    fresh = numpy_helper.from_array(np.ascontiguousarray(value, dtype=stored.dtype))
    for field_name in ("float_data", "int32_data", "int64_data", "double_data", "uint64_data"):
        tensor.ClearField(field_name)
    tensor.raw_data = fresh.raw_data
