"""Quantized operators, spelt out for surgery."""

from onnxaudit.surgery.spelling.speller import spell_out

__all__ = ["spell_out"]
