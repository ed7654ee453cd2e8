"""MTLSER: one pretrained encoder that hears the emotion, the words and the speaker.

==================================== ==================================================================================
Chen et al.                          here
==================================== ==================================================================================
wav2vec2-base, all of it learns      any wav2vec2, HuBERT or WavLM (``backbone``); ``freeze=none``, which the profile
                                     paper has, lets all of it learn. In quick and course the convolutions stay as they
                                     are, for their output can then be stored
mean over all frames (equation 5);   mean over the utterance's own frames; the sum is a misprint, for the text says
equations 6 and 7 print a sum        "average pooling"
a linear head for the emotion and    taken over
one for the speaker (6, 7)
a linear head for 32 characters, CTC taken over; English has the 32 of the published checkpoints (26 letters, the
(8, 9, 11): 26 letters, 6 marks      apostrophe, five symbols), other languages have the characters of their training
                                     texts
layers dropped, masks in training:   no layer is dropped; spans of ten frames are masked (``masked``, SpecAugment), as
not said                             published settings of fine-tuning have it; bf16 in the profiles course and paper
CE + alpha CTC + beta CE (13),       taken over
alpha .1, beta .8
the speaker of every utterance       a speaker whom the training side does not hold has no class: he is masked in the
                                     loss, and accuracy is undefined for him
==================================== ==================================================================================

Source: Chen et al., "MTLSER", Expert Systems with Applications 2025, section 4.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sercourse.layers.masking import frame_mask, masked_mean
from sercourse.losses.ctc import best_path, ctc
from sercourse.losses.masked import cross_entropy
from sercourse.models.mtlser_config import SPEAKER, TEXT, MtlserConfig
from sercourse.models.multitask import MAIN, Batch, Classes, MultiTaskModel, Outputs
from sercourse.models.speech_encoder import SpeechEncoder

AUDIO, STATES = "audio", "states"
"""What a batch holds: something for the encoder, or what the encoder made of it before."""


class Mtlser(MultiTaskModel):
    """The shared encoder and its heads.

    Args:
        encoder: shared by all tasks.
        classes: names of the emotions; of the speakers and the characters where these tasks are wanted.
        config: sizes and weights.
    """

    def __init__(self, encoder: SpeechEncoder, classes: Classes, config: MtlserConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or MtlserConfig()
        self.tasks = tuple(task for task in (MAIN, TEXT, SPEAKER) if task in classes)
        self.classes = {task: list(classes[task]) for task in self.tasks}
        self.encoder = encoder
        if config.freeze != "none":
            frozen = encoder if config.freeze == "encoder" else encoder.convolutions
            frozen.requires_grad_(False)
        if config.checkpointing:
            encoder.network.gradient_checkpointing_enable()
        encoder.masked = config.masked
        if config.compile:
            encoder.network.encoder.compile()
        self.mixture = nn.Parameter(torch.zeros(encoder.depth + 1)) if config.states == "weighted" else None
        self.dropout = nn.Dropout(config.dropout)
        self.heads = nn.ModuleDict({task: nn.Linear(encoder.width, len(names)) for task, names in self.classes.items()})

    def train(self, mode: bool = True) -> Mtlser:
        """As torch's; a frozen encoder stays in evaluation mode, so that nothing in it is left to chance."""
        super().train(mode)
        if self.config.freeze == "encoder":
            self.encoder.eval()
        return self

    def forward(self, batch: Batch) -> Outputs:
        """Hear.

        Args:
            batch: ``audio``, waveforms ``(B, N)`` or stored convolutions ``(B, T, C)``; or else ``states``, the stored
                last ones of a frozen encoder, ``(B, T, S, H)``. And ``length (B,)``, valid samples (frames). Labels are
                not looked at.

        Returns:
            ``emotion (B, C)``, ``speaker (B, S)``, ``text (B, T, U)``: logits; ``path (B, T)``: the best character
            of every frame; ``pooled (B, H)``; ``frames (B,)``: valid ones; in evaluation mode ``layer_0 (B, H)`` and
            so on, the mean of every layer that is there.
        """
        states, mask = self._encoded(batch)
        shared = states[-1] if self.mixture is None else self._mixed(states)  # (B, T, H)
        pooled = masked_mean(shared, mask)  # (B, H)
        outputs = {task: head(self.dropout(shared if task == TEXT else pooled)) for task, head in self.heads.items()}
        frames = torch.full_like(batch["length"], shared.shape[1]) if mask is None else mask.sum(1).long()
        if TEXT in outputs:
            outputs["path"] = best_path(outputs[TEXT], mask)
        if not self.training:  # for maps and probes
            first = self.encoder.depth + 1 - len(states)
            outputs |= {f"layer_{n}": masked_mean(state, mask) for n, state in enumerate(states, first)}
        return outputs | {"pooled": pooled, "frames": frames}

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Equations 10 to 12; what has no label is skipped."""
        losses = {task: cross_entropy(outputs[task], batch[task]) for task in self.tasks if task != TEXT}
        if TEXT in self.tasks:
            losses[TEXT] = ctc(
                outputs[TEXT], outputs["frames"], batch[TEXT], batch["text_length"],
                per_character=self.config.per_character,
            )  # fmt: skip
        return losses

    def layers(self) -> dict[str, str]:
        """See :meth:`MultiTaskModel.layers`."""
        own = {"layer_0": "the convolutions, projected, mean over time"}
        own |= {f"layer_{n}": f"transformer layer {n}, mean over time" for n in range(1, self.encoder.depth + 1)}
        return {"pooled": "what the heads hear, mean over time"} | own | super().layers()

    def logits(self, outputs: Outputs) -> dict[str, Tensor]:
        """Of the emotion and the speaker."""
        return {task: outputs[task] for task in self.tasks if task != TEXT}

    def written(self, outputs: Outputs) -> dict[str, Tensor]:
        """The best character of every frame."""
        return {TEXT: outputs["path"]} if TEXT in self.tasks else {}

    def rates(self) -> dict[str, float]:
        """The heads may learn faster than the encoder."""
        return {"heads": self.config.head_rate}

    def shared_layer(self) -> nn.Parameter | None:
        """The last weight of the encoder, if it learns."""
        learning = [p for p in self.encoder.parameters() if p.requires_grad and p.ndim == 2]
        return learning[-1] if learning else None

    def _encoded(self, batch: Batch) -> tuple[list[Tensor], Tensor | None]:
        """States ``(B, T, H)`` each and their mask, as the encoder gives them or gave them before."""
        if STATES in batch:
            stored = batch[STATES]  # (B, T, S, H)
            return list(stored.unbind(2)), frame_mask(batch["length"], stored.shape[1])
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.config.freeze != "encoder"):
            return self.encoder(batch[AUDIO], batch["length"])

    def _mixed(self, states: list[Tensor]) -> Tensor:
        """The learnt mean of all layers, each brought to zero mean and unit variance."""
        weights = self.mixture.softmax(0)
        normed = [torch.nn.functional.layer_norm(state, state.shape[-1:]) for state in states]
        return sum(weight * state for weight, state in zip(weights, normed, strict=True))
