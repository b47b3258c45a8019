"""Spectra, as audio classifiers compute them in the graph. Complex numbers are pairs in the last axis."""

import math

import torch
from onnx import TensorProto
from torch import Tensor

from onnxaudit.importer.ops.arguments import StaticInts, StaticNumber, to_ints, to_number
from onnxaudit.importer.registry import op
from onnxaudit.importer.tensors import find_dtype


@op("DFT", since=17, static=("dft_length",))
def transform_along_attribute(
    x: Tensor, dft_length: StaticInts = None, *, axis: int = 1, inverse: int = 0, onesided: int = 0
) -> Tensor:
    """Discrete Fourier transform along an axis."""
    return transform(x, dft_length, axis, inverse=inverse, onesided=onesided)


@op("DFT", since=20, static=("dft_length", "axis"))
def transform(
    x: Tensor, dft_length: StaticInts = None, axis: StaticInts = None, *, inverse: int = 0, onesided: int = 0
) -> Tensor:
    """Discrete Fourier transform along an axis, `x` real `(..., 1)` or complex `(..., 2)`."""
    along = (to_ints(axis) or [-2])[0] % x.ndim
    length = next(iter(to_ints(dft_length)), None)
    signal = torch.complex(x[..., 0], x[..., 1]) if x.shape[-1] == 2 else x[..., 0]
    if inverse and onesided:
        real: Tensor = torch.fft.irfft(signal, length, along)
        return real.unsqueeze(-1)
    if inverse:
        return torch.view_as_real(torch.fft.ifft(signal, length, along))
    spectrum = torch.fft.fft(signal, length, along)
    return torch.view_as_real(spectrum.narrow(along, 0, spectrum.shape[along] // 2 + 1) if onesided else spectrum)


@op("STFT", since=17, static=("frame_step", "frame_length"))
def transform_frames(
    signal: Tensor,
    frame_step: StaticInts,
    window: Tensor | None = None,
    frame_length: StaticInts = None,
    *,
    onesided: int = 1,
) -> Tensor:
    """Fourier transforms `(n, frames, frequencies, 2)` of overlapping frames of a signal `(n, length, 1 or 2)`."""
    length = (to_ints(frame_length) or [signal.shape[1] if window is None else len(window)])[0]
    frames = signal.unfold(1, length, to_ints(frame_step)[0]).transpose(2, 3)
    frames = frames if window is None else frames * window[:, None]
    return transform(frames, None, [2], onesided=onesided)


@op("MelWeightMatrix", since=17, static=("num_mel_bins", "dft_length", "sample_rate", "lower_edge", "upper_edge"))
def make_mel_weights(
    num_mel_bins: StaticInts,
    dft_length: StaticInts,
    sample_rate: StaticInts,
    lower_edge: StaticNumber,
    upper_edge: StaticNumber,
    *,
    output_datatype: int = TensorProto.FLOAT,
) -> Tensor:
    """Triangular weights `(frequencies, bins)` on the mel scale."""
    bins, length, rate = (to_ints(value)[0] for value in (num_mel_bins, dft_length, sample_rate))
    low, high = (2595 * math.log10(1 + to_number(edge, 0.0) / 700) for edge in (lower_edge, upper_edge))
    mel = low + torch.arange(bins + 2, dtype=torch.float64) * ((high - low) / (bins + 2))
    edge = ((length + 1) * 700 * (10 ** (mel / 2595) - 1) / rate).floor()
    left, center, right = edge[:-2], edge[1:-1], edge[2:]
    frequency = torch.arange(length // 2 + 1)[:, None]
    # A triangle without a left side is a peak.
    rising = torch.where(center == left, frequency == center, (frequency - left) / (center - left).clamp(min=1))
    falling = (right - frequency) / (right - center).clamp(min=1)
    inside = (frequency >= left) & (frequency < torch.maximum(right, center + 1))
    weights = torch.where(inside, torch.where(frequency < center, rising, falling), 0.0)
    peak = (frequency == center).to(weights.dtype)
    return torch.maximum(weights, peak).to(find_dtype(output_datatype))
