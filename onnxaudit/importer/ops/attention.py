"""Attention over heads."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.importer.registry import op

# What the fourth output shows.
RAW, CAPPED, MASKED, SOFTMAX = range(4)


@op("Attention", since=23)
def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    attn_mask: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    nonpad_kv_seqlen: Tensor | None = None,
    *,
    is_causal: int = 0,
    kv_num_heads: int | None = None,
    left_window_size: int = -1,
    q_num_heads: int | None = None,
    qk_matmul_output_mode: int = 0,
    right_window_size: int = -1,
    scale: float | None = None,
    softcap: float = 0.0,
    softmax_precision: int | None = None,  # noqa: ARG001 - everything is computed in float32 at least
    outputs: int = 1,
) -> tuple[Tensor, ...]:
    """`softmax(q·kᵀ·scale + mask)·v` over heads `(n, heads, length, size)`, or `(n, length, heads·size)`.

    A query that may look at nothing gives zero.

    Returns:
        The attended values, keys and values with the past before them, and the scores at the stage asked for.
    """
    flat = q.ndim == 3
    q, k, v = _split_heads(q, q_num_heads), _split_heads(k, kv_num_heads), _split_heads(v, kv_num_heads)
    offset = 0 if past_key is None else past_key.shape[2]
    k = k if past_key is None else torch.cat([past_key, k], 2)
    v = v if past_value is None else torch.cat([past_value, v], 2)
    present = k, v
    if q.shape[1] != k.shape[1]:
        k, v = (part.repeat_interleave(q.shape[1] // part.shape[1], 1) for part in (k, v))
    windows = left_window_size, right_window_size
    bias = _make_bias(q, k, attn_mask, lengths=nonpad_kv_seqlen, causal=bool(is_causal), windows=windows, offset=offset)
    if outputs == 1 and not softcap and bias is None:
        return (_join_heads(F.scaled_dot_product_attention(q, k, v, scale=scale), flat),)
    scores, stage = _score(q, k, bias, scale=scale, softcap=softcap, mode=qk_matmul_output_mode)
    return _join_heads(scores @ v, flat), *present, stage


def _split_heads(x: Tensor, heads: int | None) -> Tensor:
    if x.ndim == 4:
        return x
    assert heads is not None
    return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)


def _join_heads(x: Tensor, flat: bool) -> Tensor:
    return x.transpose(1, 2).flatten(2) if flat else x


def _score(
    q: Tensor, k: Tensor, bias: Tensor | None, *, scale: float | None, softcap: float, mode: int
) -> tuple[Tensor, Tensor]:
    """Shares that sum to one for each query, and the scores at the stage that `mode` asks for."""
    raw = q @ k.transpose(-1, -2) * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    capped = softcap * torch.tanh(raw / softcap) if softcap else raw
    if bias is None:
        masked, shares = capped, torch.softmax(capped, -1)
    else:
        masked = capped + bias
        blind = (bias == -torch.inf).all(-1, keepdim=True)
        shares = torch.softmax(masked.masked_fill(blind, 0.0), -1).masked_fill(blind, 0.0)
    return shares, {RAW: raw, CAPPED: capped, MASKED: masked, SOFTMAX: shares}[mode]


def _make_bias(
    q: Tensor,
    k: Tensor,
    mask: Tensor | None,
    *,
    lengths: Tensor | None,
    causal: bool,
    windows: tuple[int, int],
    offset: int,
) -> Tensor | None:
    """What is added to the scores `(n, heads, queries, keys)`: −∞ where a query may not look."""
    queries, keys = q.shape[2], k.shape[2]
    left, right = windows
    key = torch.arange(keys, device=q.device)
    # Where each query stands among the keys: behind the past, or at the end of what is no padding.
    query = torch.arange(queries, device=q.device)[:, None] + offset
    if lengths is not None:
        query = query + (lengths.to(q.device).reshape(-1, 1, 1, 1) - queries)
    allowed = torch.ones_like(query >= key)
    if causal:
        allowed = allowed & (key <= query)
    if left >= 0:
        allowed = allowed & (key >= query - left)
    if right >= 0:
        allowed = allowed & (key <= query + right)
    if lengths is not None:
        allowed = allowed & (key < lengths.to(q.device).reshape(-1, 1, 1, 1))
    if mask is None and not causal and max(windows) < 0 and lengths is None:
        return None
    bias = torch.zeros((), dtype=q.dtype, device=q.device).expand(allowed.shape).masked_fill(~allowed, -torch.inf)
    if mask is None:
        return bias
    if mask.dtype is torch.bool:
        mask = torch.zeros_like(mask, dtype=q.dtype).masked_fill(~mask, -torch.inf)
    return bias + F.pad(mask, (0, keys - mask.shape[-1]), value=-torch.inf)


@op("RotaryEmbedding", since=23)
def rotate(
    x: Tensor,
    cos_cache: Tensor,
    sin_cache: Tensor,
    position_ids: Tensor | None = None,
    *,
    interleaved: int = 0,
    num_heads: int | None = None,
    rotary_embedding_dim: int = 0,
) -> Tensor:
    """Pairs of features rotated by an angle that grows with the position; `x` as in `attend`."""
    flat = x.ndim == 3
    y = _split_heads(x, num_heads)
    cos, sin = (cache if position_ids is None else cache[position_ids] for cache in (cos_cache, sin_cache))
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    size = rotary_embedding_dim or y.shape[-1]
    turned, rest = y[..., :size], y[..., size:]
    a, b = (turned[..., 0::2], turned[..., 1::2]) if interleaved else turned.chunk(2, -1)
    cos, sin = cos[..., : size // 2], sin[..., : size // 2]
    pairs = a * cos - b * sin, a * sin + b * cos
    joined = torch.stack(pairs, -1).flatten(-2) if interleaved else torch.cat(pairs, -1)
    return _join_heads(torch.cat([joined, rest], -1), flat)
