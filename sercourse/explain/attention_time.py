"""A time line of attention: where in an utterance does a trained network look?

Three networks of the course weigh time. The emotion autoencoder (chapter 02) has one layer of self-attention over its
latent; its peer of chapter 04 weighs frames by themselves; the encoder of MTLSER has a layer of several heads per
block of its transformer. What is shown is the attention that each frame RECEIVES: the mean over heads and over the
frames that look. It says where the network reads, not why, and behind recurrent layers or many blocks a frame holds
what its neighbours said as well. So a time line comes with the line of uniform attention, and with
:func:`peakedness`: a flat line that looks like a mountain range is still flat.

Source: Vaswani et al., "Attention is all you need", NeurIPS 2017; Abnar and Zuidema, "Quantifying attention flow in
transformers", ACL 2020 (rollout); Jain and Wallace, "Attention is not explanation", NAACL 2019.
Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sercourse.errors import AudioError, SilentAudio, UserError
from sercourse.features.base import checked
from sercourse.features.spectral import LogMagnitude, LogMel
from sercourse.layers.masking import masked_mean
from sercourse.models.attention_cnn import AttentionCnn
from sercourse.models.emotion_autoencoder import LEVELS, EmotionAutoencoder
from sercourse.models.mtlser import Mtlser
from sercourse.models.multitask import Batch, MultiTaskModel
from sercourse.models.speech_encoder import SpeechEncoder
from sercourse.signal.audio import MIN_SECONDS, SAMPLE_RATE, read_audio
from sercourse.signal.endpoint import speech_mask
from sercourse.training.batches import EvaluationSet, Examples, collate
from sercourse.training.predict import Network
from sercourse.training.runs import Run

ROLLOUT = "rollout"
"""As a layer: attention followed through all of them."""

Layer = int | str | None
"""Of a transformer: 1 to its depth, :data:`ROLLOUT`, or ``None``, the mean of all layers."""

CROPS = 64
"""Crops judged at a time."""


@dataclass(frozen=True, eq=False)
class TimeLine:
    """Attention over the time of one utterance.

    Attributes:
        seconds: centre of each frame from the beginning of the utterance, ``(T,)``.
        weights: attention that each frame receives, ``(T,)``; they sum to 1.
        hop: seconds from frame to frame.
        speech: share of each frame that is speech, 0 to 1, ``(T,)``, by :func:`~sercourse.signal.endpoint.speech_mask`,
            which counts pauses below 0.3 s as speech.
        of: the network and the layer, in words.
    """

    seconds: np.ndarray
    weights: np.ndarray
    hop: float
    speech: np.ndarray
    of: str

    @property
    def relative(self) -> np.ndarray:
        """The weights as multiples of uniform attention, ``(T,)``: 1 is what each frame has when all have the same."""
        return self.weights * len(self.weights)


Lines = dict[Layer, TimeLine]
"""The time lines of one network; of one without several layers only ``None``."""


@dataclass(frozen=True)
class Peakedness:
    """How far a time line is from flat.

    Attributes:
        entropy: of the weights over that of uniform ones: 1 is flat, 0 is all on one frame.
        on_speech: share of the attention that falls on speech, 0 to 1.
        speech: share of the frames that is speech: what uniform attention would put there.
    """

    entropy: float
    on_speech: float
    speech: float

    def __str__(self) -> str:
        shares = f"{self.on_speech:.0%} on speech, which is {self.speech:.0%} of the time"
        return f"entropy {self.entropy:.2f} of 1; {shares}"


def attention_over_time(
    run: Run | str | Path, sound: np.ndarray | str | Path, *, fold: int = 0, layer: Layer = None
) -> TimeLine:
    """Where in an utterance a trained network looks.

    Args:
        run: a finished run of ``emotion_autoencoder``, ``mtlser`` or ``attention_cnn``, or its folder.
        sound: a waveform ``(T,)`` at 16 kHz, or an audio file.
        fold: which fold's network, from 0.
        layer: of a transformer: 1 to its depth, :data:`ROLLOUT`, or ``None``, the mean of all layers. Other networks
            have one layer; leave it out.

    Raises:
        UserError: no such run, fold or layer, a network without attention over time, unusable audio.
    """
    lines = attention_of_layers(run, sound, fold=fold)
    if layer not in lines:
        known = ", ".join(str(name) for name in lines if name is not None)
        choice = f"choose one of {known}, or none for their mean" if known else "it has a single one; leave layer out"
        raise UserError(f"layer {layer}: this network has no such layer of attention; {choice}.")
    return lines[layer]


def attention_of_layers(run: Run | str | Path, sound: np.ndarray | str | Path, *, fold: int = 0) -> Lines:
    """The time lines of every ``layer`` that :func:`attention_over_time` knows for this network, at one reading.

    Args: as there.
    """
    return attention_of_network(Network.load(run.folder if isinstance(run, Run) else run, fold), sound)


def attention_of_network(network: Network, sound: np.ndarray | str | Path) -> Lines:
    """:func:`attention_of_layers` of a network that was read before.

    Args:
        network: a trained one.
        sound: a waveform ``(T,)`` at 16 kHz, or an audio file.

    Raises:
        UserError: a network without attention over time (see :func:`attends`), unusable audio.
    """
    waveform = waveform_of(sound)
    reader = next((read for kind, read in _READERS.items() if isinstance(network.model, kind)), None)
    if reader is None:
        raise UserError(
            f"{network.chapter.name}: this network has no attention over time; take a run of emotion_autoencoder,"
            " mtlser or attention_cnn."
        )
    with torch.inference_mode():
        return reader(network, waveform)


def attends(network: Network) -> bool:
    """Whether a network has attention over time to show."""
    return isinstance(network.model, tuple(_READERS)) and not _takes_mean(network.model)


def received(encoder: SpeechEncoder, audio: Tensor, lengths: Tensor) -> dict[Layer, Tensor]:
    """Attention that each frame receives in a transformer, the mean over heads and over the frames that look.

    Args:
        encoder: in evaluation mode.
        audio: as its ``forward`` takes it.
        lengths: likewise.

    Returns:
        ``(B, T)`` for each layer from 1, for :data:`ROLLOUT`, and for ``None``, their mean; padding has 0.
    """
    maps, mask = encoder.attentions(audio, lengths, kept=lambda weights: weights.float().mean(1))  # (B, T, T) each
    layers = [masked_mean(weights, mask) for weights in maps]  # (B, T) each
    mean = torch.stack(layers).mean(0)
    return {None: mean, **dict(enumerate(layers, start=1)), ROLLOUT: rollout(maps, mask)}


def rollout(maps: Sequence[Tensor], mask: Tensor | None = None) -> Tensor:
    """Attention that each input frame receives through all layers, each of which also passes on what it was given.

    The residual connection counts as half: ``A' = A / 2 + I / 2``; the layers' product is then averaged over the frames
    that look. What the feed-forward layers do is left out.

    Args:
        maps: of each layer, first to last, the mean over heads ``(B, T, T)``; rows look.
        mask: valid frames ``(B, T)``; ``None``: all.

    Returns:
        ``(B, T)``, which sums to 1 over valid frames.

    Source: Abnar and Zuidema 2020, equation 1 and section 3.
    """
    looking = torch.ones_like(maps[0][:, 0]) if mask is None else mask.to(maps[0])
    looking = looking / looking.sum(1, keepdim=True)  # (B, T)
    for weights in reversed(maps):  # from the left, a row times a matrix: T times cheaper than the layers' product
        looking = (looking + (looking[:, None] @ weights)[:, 0]) / 2
    return looking


def peakedness(line: TimeLine) -> Peakedness:
    """How far a time line is from flat, and how much of it falls on speech.

    Args:
        line: as :func:`attention_over_time` gives it. A line of one frame is flat.
    """
    used = line.weights[line.weights > 0]
    entropy = float(-(used * np.log(used)).sum() / np.log(len(line.weights))) if len(line.weights) > 1 else 1.0
    return Peakedness(min(entropy, 1.0), float(line.weights @ line.speech), float(line.speech.mean()))


def put_together(crops: Sequence[tuple[float, np.ndarray]], frames: int) -> np.ndarray:
    """The weights of crops as those of their utterance.

    Each crop's weights sum to 1 and count the same, as its posterior does. Where crops overlap, their mean is taken,
    for a sum would show overlaps as peaks. A crop that begins between two frames gives to both, more to the nearer one.

    Args:
        crops: the frame of the utterance at which each begins, and its weights ``(T,)``.
        frames: of the utterance.

    Returns:
        ``(frames,)``; they sum to 1. A frame that no crop sees has 0.
    """
    total, count = np.zeros(frames), np.zeros(frames)
    for begin, weights in crops:
        places = begin + np.arange(len(weights))
        before = np.floor(places).astype(int)
        for place, share in ((before, before + 1 - places), (before + 1, places - before)):
            place = np.minimum(place, frames - 1)
            np.add.at(total, place, share * weights)
            np.add.at(count, place, share)
    mean = np.divide(total, count, out=np.zeros(frames), where=count > 0)
    return mean / mean.sum()


def waveform_of(sound: np.ndarray | str | Path) -> np.ndarray:
    """A waveform ``(T,)`` at 16 kHz of itself or of an audio file.

    Raises:
        AudioError: not audio, or less than 0.1 s of it.
    """
    waveform = checked(sound) if isinstance(sound, np.ndarray) else read_audio(sound)
    if len(waveform) < MIN_SECONDS * SAMPLE_RATE:
        raise AudioError(f"only {len(waveform) / SAMPLE_RATE:.3f} s of audio; give {MIN_SECONDS} s or more.")
    return waveform


def _line(waveform: np.ndarray, weights: np.ndarray, *, hop: float, first: float, of: str) -> TimeLine:
    """A time line whose first frame is centred at ``first`` seconds."""
    seconds = first + hop * np.arange(len(weights))
    borders = np.append(seconds - hop / 2, seconds[-1] + hop / 2) * SAMPLE_RATE
    borders = np.rint(borders).astype(int).clip(0, len(waveform))
    spoken = np.append(0, np.cumsum(speech_mask(waveform)))  # samples of speech before each sample
    speech = np.diff(spoken[borders]) / np.maximum(np.diff(borders), 1)
    return TimeLine(seconds, weights, hop, speech, of)


def _batches(network: Network, waveform: np.ndarray) -> tuple[Examples, list[Batch]]:
    """An utterance as the network judges it: what its crops come from, and these, at most :data:`CROPS` at a time."""
    examples, ids = network.examples([waveform])
    items = EvaluationSet(examples, ids, labelled=False).items
    device = next(network.model.parameters()).device
    batches = [collate(items[first : first + CROPS], examples.padded) for first in range(0, len(items), CROPS)]
    return examples, [{name: value.to(device) for name, value in batch.items()} for batch in batches]


def _takes_mean(model: MultiTaskModel) -> bool:
    """Whether a model is an emotion autoencoder without its attention."""
    return isinstance(model, EmotionAutoencoder) and not model.config.attention


def _of_autoencoder(network: Network, waveform: np.ndarray) -> Lines:
    """Frame ``t`` of the latent is centred on frame ``8 t`` of the spectrogram; a long utterance comes in crops."""
    if _takes_mean(network.model):
        raise UserError("emotion_autoencoder with attention=false takes a plain mean: there is no attention to show.")
    examples, batches = _batches(network, waveform)
    weights = torch.cat([network.model(batch)["attention"] for batch in batches]).double().cpu().numpy()  # (N, T / 8)
    starts, span = examples.starts("0"), 2**LEVELS
    frames = -(-(starts[-1] + int(batches[-1]["frames"][-1])) // span)
    line = put_together([(start / span, row) for start, row in zip(starts, weights, strict=True)], frames)
    of = "emotion_autoencoder: self-attention" + (f", {len(starts)} crops" if len(starts) > 1 else "")
    return {None: _line(waveform, line, hop=span * LogMagnitude().hop_seconds, first=0.0, of=of)}


def _of_convolutions(network: Network, waveform: np.ndarray) -> Lines:
    """Pooling makes one frame of several, and is centred between them."""
    (batch,) = _batches(network, waveform)[1]
    weights = network.model(batch)["attention"][0].double().mean(0).cpu().numpy()  # (T,)
    frame, span = network.settings.data.step * LogMel().hop_seconds, 2**network.model.config.pooled
    of = "attention_cnn: mean of its heads"
    return {None: _line(waveform, weights, hop=span * frame, first=(span - 1) / 2 * frame, of=of)}


def _of_encoder(network: Network, waveform: np.ndarray) -> Lines:
    """A long recording is heard in pieces as by ``sercourse predict``; one of digital silence is left out."""
    encoder = network.model.encoder
    hop, field = encoder.convolutions.hop, encoder.convolutions.receptive_field
    frames = int(encoder.convolutions.frames(torch.tensor(len(waveform))))
    pieces = math.ceil(len(waveform) / SAMPLE_RATE / network.chapter.chunk_seconds)
    borders = np.linspace(0, frames, pieces + 1).round().astype(int)
    crops: dict[Layer, list[tuple[float, np.ndarray]]] = {}
    for first, last in itertools.pairwise(borders):
        piece = waveform[first * hop : None if last == frames else (last - 1) * hop + field]
        if not np.ptp(piece):
            continue
        (batch,) = _batches(network, piece)[1]
        for layer, weights in received(encoder, batch["audio"], batch["length"]).items():
            crops.setdefault(layer, []).append((first, weights[0].double().cpu().numpy()))
    if not crops:
        raise SilentAudio("silent throughout (all samples equal); take another recording.")
    names = {None: f"mean of {encoder.depth} layers", ROLLOUT: f"rollout through {encoder.depth} layers"}
    return {
        layer: _line(
            waveform, put_together(parts, frames), hop=hop / SAMPLE_RATE, first=field / 2 / SAMPLE_RATE,
            of=f"mtlser: {names.get(layer, f'layer {layer} of {encoder.depth}')}",
        )
        for layer, parts in crops.items()
    }  # fmt: skip


_READERS = {EmotionAutoencoder: _of_autoencoder, Mtlser: _of_encoder, AttentionCnn: _of_convolutions}
