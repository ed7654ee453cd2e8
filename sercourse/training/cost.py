"""What one forward pass costs: multiply-adds, counted and calculated, and seconds.

A multiply-add is one multiplication with the addition behind it, which is what most papers print under the name of
FLOPs; torch counts it as two floating point operations. Only products of matrices and convolutions count: activations,
norms, softmax and Fourier transforms do not.

Source: Chen et al., "MTLSER", Expert Systems with Applications 2025, section 4.7 (equations 14, 15) and table 4.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

import platform
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.nn.utils.rnn import PackedSequence
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count
from transformers import PretrainedConfig

LEVELS = 2
"""Levels of module names that :attr:`Cost.by_part` tells apart."""


@dataclass(frozen=True)
class Cost:
    """What one forward pass costs.

    Attributes:
        multiply_adds: in all.
        by_part: name of a module, of the top two levels, to the multiply-adds that were spent while it ran; of a list
            of modules, while its members ran. What a module does outside its ``forward`` counts for its caller only.
        blind_to: names of modules whose work, or part of it, torch's counter does not see: it was calculated. The
            class stands for the network itself, and for a module that a function calls.
    """

    multiply_adds: int
    by_part: dict[str, int]
    blind_to: tuple[str, ...] = ()

    @property
    def floating_point_operations(self) -> int:
        """Two for each multiply-add."""
        return 2 * self.multiply_adds


@dataclass(frozen=True)
class Latency:
    """How long a call takes, in seconds.

    Attributes:
        median: over the calls.
        spread: from the first to the third quartile.
        calls: how many were timed.
    """

    median: float
    spread: float
    calls: int


def multiply_adds(network: Callable, *inputs: object) -> Cost:
    """Count one forward pass, in evaluation mode and without gradients.

    The count is that of ``torch.utils.flop_counter.FlopCounterMode``, which takes two for each multiply-add, halved.
    On a processor that counter is blind to ``nn.LSTM``, to fused attention and to a matrix times a vector. What it
    misses is calculated: recurrent layers have gates x (inputs + hidden) x hidden for each frame, direction and layer
    (4 gates for an LSTM, 3 for a GRU); attention over L frames has 2 L² d. On the device ``meta`` nothing is computed,
    and the count is the same.

    Args:
        network: a module, or a function that calls some.
        inputs: handed to it.
    """
    known = {module: name for name, module in network.named_modules()} if isinstance(network, nn.Module) else {}
    meter = _Meter()
    with torch.no_grad(), _evaluated(list(known)), meter.running():
        network(*inputs)
    spent: dict[str, int] = defaultdict(int)
    for module, count in meter.spent.items():
        spent[known.get(module, type(module).__name__)] += count
    blind = dict.fromkeys(known.get(module) or type(module).__name__ for module in meter.blind)
    return Cost(meter.total(), _top(spent), tuple(blind))


def latency(function: Callable[[], object], repeats: int = 20, warm_up: int = 3) -> Latency:
    """Seconds of a call, such as one utterance through a network.

    Args:
        function: what is timed; the work of a GPU is waited for.
        repeats: timed calls.
        warm_up: calls before, which are not timed.

    Raises:
        ValueError: nothing to time.
    """
    if repeats < 1:
        raise ValueError(f"repeats={repeats}: must be 1 or more")
    seconds = []
    for _ in range(warm_up + repeats):
        begun = time.perf_counter()
        function()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begun)
    first, median, third = np.percentile(seconds[warm_up:], (25, 50, 75))
    return Latency(float(median), float(third - first), repeats)


@contextmanager
def one_thread() -> Iterator[None]:
    """torch and the libraries behind numpy on one thread, so that latencies can be set side by side."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)


def processor() -> str:
    """Name of this machine's processor, for figures that belong to one machine."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:  # another system than Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def encoder_multiply_adds(config: PretrainedConfig, samples: int) -> dict[str, int]:
    """What wav2vec2, HuBERT or WavLM spend on one waveform, calculated from their sizes.

    With L frames, width d and n layers: the projections of attention take 4 n L d², its products 2 n L² d, the
    feed-forward layers 2 n L d d_ff. The products overtake the projections at L = 2 d, half a minute of speech for the
    "base" size. WavLM's gates of relative position (under 0.1 %) and adapters are left out.

    The 20.80 G of table 4 are what the "base" size spends on 3.0 s without the products of attention (20.78 G), which
    most counters miss; with them it is 21.19 G.

    Args:
        config: sizes, by the names that Hugging Face gives them.
        samples: of the waveform, at 16 kHz.

    Returns:
        Multiply-adds of "convolutions", "projection", "positional convolution", "attention projections",
        "attention products" and "feed-forward".

    Raises:
        ValueError: a waveform too short for one frame.
    """
    lengths = _frames(config, samples)
    convolutions, channels, frames = 0, 1, lengths[-1]
    for width, kernel, length in zip(config.conv_dim, config.conv_kernel, lengths, strict=True):
        convolutions += length * kernel * channels * width
        channels = width
    d, layers = config.hidden_size, config.num_hidden_layers
    kernel = config.num_conv_pos_embeddings
    padded = frames + (kernel + 1) % 2  # an even kernel gives a frame too many, which is computed and cut off
    return {
        "convolutions": convolutions,
        "projection": frames * channels * d,
        "positional convolution": padded * kernel * d * (d // config.num_conv_pos_embedding_groups),
        "attention projections": layers * 4 * frames * d * d,
        "attention products": layers * 2 * frames * frames * d,
        "feed-forward": layers * 2 * frames * d * config.intermediate_size,
    }


def printed_growth(config: PretrainedConfig, samples: int, outputs: int | None = None) -> dict[str, int]:
    """The terms of the paper's equation 14 or 15, to be set beside :func:`encoder_multiply_adds`.

    N·L·K²·C is summed over the convolutions, each with its own frames, kernel and channels, which is the reading that
    does the equation most justice; N·L²·d takes the layers and the frames of the transformer. As orders of growth they
    fail twice. K² would be the window of a picture: a convolution over time has K taps for each pair of an input and an
    output channel, L·K·C·C'. And the projections and the feed-forward layers are missing, 4 n L d² and 2 n L d d_ff,
    which grow with L alone and are the largest part of all up to half a minute. Equation 15 adds the heads and the
    losses, L·d·(V + C_ser + C_sr + U). That is too much for heads that hear one mean of all frames (d·C each) and for
    CTC, whose L·U sums know no d; and yet so little that the gaps of equation 14 stay.

    Args:
        config: as :func:`encoder_multiply_adds`.
        samples: of the waveform, at 16 kHz.
        outputs: equation 15's characters, emotions, speakers and letters said, V + C_ser + C_sr + U; ``None``:
            equation 14.

    Returns:
        "convolutions" and "attention", and "heads" for equation 15.

    Raises:
        ValueError: a waveform too short for one frame.
    """
    lengths = _frames(config, samples)
    each = zip(lengths, config.conv_kernel, config.conv_dim, strict=True)
    heads = {} if outputs is None else {"heads": lengths[-1] * config.hidden_size * outputs}
    return {
        "convolutions": sum(length * kernel**2 * width for length, kernel, width in each),
        "attention": config.num_hidden_layers * lengths[-1] ** 2 * config.hidden_size,
    } | heads


def _frames(config: PretrainedConfig, samples: int) -> list[int]:
    """Frames behind each convolution."""
    lengths, length = [], samples
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        length = (length - kernel) // stride + 1
        lengths.append(length)
    if min(lengths) < 1:
        raise ValueError(f"samples={samples}: too short for one frame")
    return lengths


class _Meter:
    """Multiply-adds by module: the counter's, and what it is blind to."""

    def __init__(self) -> None:
        aten = torch.ops.aten
        mapping = {aten._scaled_dot_product_flash_attention_for_cpu: self._attention, aten.mv: self._matrix_by_vector}
        self.counter = FlopCounterMode(display=False, custom_mapping=mapping)
        self.calculated = 0
        self.entered: list[tuple[nn.Module, int]] = []
        self.spent: dict[nn.Module, int] = defaultdict(int)
        self.blind: dict[nn.Module, None] = {}

    def total(self) -> int:
        return self.counter.get_total_flops() // 2 + self.calculated

    @contextmanager
    def running(self) -> Iterator[None]:
        fast = torch.backends.mha.get_fastpath_enabled()
        hooks = register_module_forward_pre_hook(self._enter), register_module_forward_hook(self._leave)
        torch.backends.mha.set_fastpath_enabled(False)  # nn.MultiheadAttention in one piece, which nothing sees into
        try:
            with self.counter:
                yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)
            for hook in hooks:
                hook.remove()

    def _enter(self, module: nn.Module, inputs: tuple) -> None:
        self.entered.append((module, self.total()))

    def _leave(self, module: nn.Module, inputs: tuple, output: object) -> None:
        _, before = self.entered.pop()
        if isinstance(module, nn.RNNBase):
            missed = _recurrence(module, output[0]) - (self.total() - before)
            if missed:  # on some devices, and for packed sequences, the counter does see it
                self.calculated += missed
                self.blind[module] = None
        self.spent[module] += self.total() - before

    def _attention(self, query: tuple, key: tuple, value: tuple, *_, out_shape: object = None, **__) -> int:
        self._note()
        return sdpa_flop_count(query, key, value)

    def _matrix_by_vector(self, matrix: tuple, vector: tuple, *_, out_shape: object = None, **__) -> int:
        self._note()
        return 2 * prod(matrix)

    def _note(self) -> None:
        if self.entered:
            self.blind[self.entered[-1][0]] = None


def _recurrence(module: nn.RNNBase, output: Tensor | PackedSequence) -> int:
    """Every frame meets every weight once: gates x (inputs + hidden) x hidden, over layers and directions."""
    output = output.data if isinstance(output, PackedSequence) else output
    frames = prod(output.shape[:-1])
    return frames * sum(weight.numel() for weight in module.parameters() if weight.ndim == 2)


def _top(spent: dict[str, int]) -> dict[str, int]:
    """The top levels; what holds modules and never runs itself has the sum of those that run inside it."""
    parts: dict[str, int] = defaultdict(int)
    for name, count in spent.items():
        part = name
        while part and count:
            if part.count(".") < LEVELS:
                parts[part] += count
            part = part.rpartition(".")[0]
            if part in spent:
                break
    return dict(sorted(parts.items()))


@contextmanager
def _evaluated(modules: list[nn.Module]) -> Iterator[None]:
    """Evaluation mode, and each module's own mode behind it."""
    modes = [module.training for module in modules]
    for module in modules:
        module.training = False
    try:
        yield
    finally:
        for module, mode in zip(modules, modes, strict=True):
            module.training = mode
