"""MTAP: a spectrogram seen, a sentence read, a sound heard; one angular judgement, and the gender beside it.

===================================  ==================================================================================
Wen et al.                           here
===================================  ==================================================================================
DenseNet169 or ResNet50 on the       taken over, with one input channel; a small DenseNet where two cores must do
spectrogram, from ImageNet
BERT-base on the text, VGGish on     any sentence encoder, any speech encoder or VGGish, frozen; each vector is brought
the audio, frozen                    to zero mean and unit variance over the training utterances, for lengths of vectors
                                     decide what a concatenation listens to
``Concat(image, text, audio)``       taken over; what an utterance lacks is 0, the mean
APFL for the emotion, softmax for    taken over, with plain softmax, plain focal loss, normalised softmax and ArcFace
the gender, lambda between           beside it
one vector of all tokens of a text   the mean over the tokens (of BERT, by sentence-transformers), which is ours: the
                                     paper says neither that nor the first token
gender from the image (MTL-A), with  taken over
audio (B), with text too (C)
===================================  ==================================================================================

Source: Wen et al., "Multimodal and Multitask Learning with Additive Angular Penalty Focus Loss", 2023, sections 3, 4.
Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sercourse.layers.cosine import CosineHead
from sercourse.layers.scaling import Standardise
from sercourse.losses.angular import apfl, focal_loss
from sercourse.losses.masked import cross_entropy
from sercourse.models.image_branch import ImageBranch
from sercourse.models.mtap_config import ANGULAR, GENDER, IMAGE, NONE, WAYS, MtapConfig
from sercourse.models.multitask import MAIN, Batch, Classes, MultiTaskModel, Outputs


class Mtap(MultiTaskModel):
    """Branches, fusion and heads.

    Args:
        sizes: of every modality that is there, the width of what comes in: bins of the spectrogram, and of the
            vectors.
        classes: names of the emotions; of the genders where that task is wanted. They are left out where the config
            has ``gender=none``: there is no such head then.
        config: which loss, and what the gender hears.

    Raises:
        ValueError: a task with fewer than two classes.
    """

    def __init__(self, sizes: Mapping[str, int], classes: Classes, config: MtapConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or MtapConfig()
        self.sizes = {name: sizes[name] for name in config.modalities}
        wanted = (MAIN,) if config.gender == NONE else (MAIN, GENDER)
        self.classes = {task: list(names) for task, names in classes.items() if task in wanted}
        for task, names in self.classes.items():
            if len(names) < 2:
                raise ValueError(f"{task}: classes={len(names)}, and there must be two or more to tell apart")
        self.tasks = tuple(self.classes)
        self.scales = nn.ModuleDict({name: Standardise(size) for name, size in self.sizes.items()})
        self.image = ImageBranch(config.image) if IMAGE in self.sizes else None
        self.widths = widths = self.sizes | ({IMAGE: self.image.width} if self.image else {})
        fused, emotions = sum(widths.values()), len(self.classes[MAIN])
        head = CosineHead(fused, emotions) if config.loss in ANGULAR else nn.Linear(fused, emotions)
        self.heads = nn.ModuleDict({MAIN: head})
        if GENDER in self.classes:
            self.heard = [name for name in widths if name in WAYS[config.gender]]
            self.heads[GENDER] = nn.Linear(sum(widths[name] for name in self.heard), len(self.classes[GENDER]))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, batch: Batch) -> Outputs:
        """See, read, hear.

        Args:
            batch: of the modalities that the network has, ``image (B, T, F)``, dB, with ``frames (B, T)`` and
                ``bands (B, F)``, 1.0 for what is seen and 0.0 for padding and masks; ``text (B, D)`` and
                ``audio (B, D')`` with ``text_there (B,)`` and ``audio_there (B,)``, 0.0 where an utterance has none.
                A modality that nobody in the batch has may be left out.

        Returns:
            ``emotion (B, C)``: cosines, or logits, as the loss wants them; ``gender (B, 2)``: logits; ``fused
            (B, H)``, and every modality's share of it, ``(B, D)``, under its own name.
        """
        parts = {name: self._part(name, batch) for name in self.sizes}
        fused = torch.cat(list(parts.values()), 1)  # (B, H)
        outputs = {**parts, "fused": fused, MAIN: self.heads[MAIN](self.dropout(fused))}
        if GENDER in self.heads:
            heard = torch.cat([parts[name] for name in self.heard], 1)
            outputs[GENDER] = self.heads[GENDER](self.dropout(heard))
        return outputs

    def _part(self, name: str, batch: Batch) -> Tensor:
        """One modality's vectors, ``(B, D)``; 0 where nobody in the batch has it."""
        if name not in batch:
            first = next(iter(batch.values()))
            return torch.zeros(len(first), self.widths[name], device=first.device)
        scaled = self.scales[name](batch[name])
        if name == IMAGE:
            return self.image(scaled * batch["frames"][:, :, None] * batch["bands"][:, None])
        return scaled * batch[f"{name}_there"][:, None]

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Section 4.1; missing labels are skipped."""
        losses = {MAIN: self._emotion_loss(outputs[MAIN], batch[MAIN])}
        if GENDER in self.heads:
            losses[GENDER] = cross_entropy(outputs[GENDER], batch[GENDER])
        return losses

    def _emotion_loss(self, judged: Tensor, labels: Tensor) -> Tensor:
        config = self.config
        if config.loss == "softmax":
            return cross_entropy(judged, labels)
        if config.loss == "focal":
            return focal_loss(judged, labels, gamma=config.gamma)
        margin = 0.0 if config.loss == "normalised" else config.margin
        gamma = config.gamma if config.loss == "apfl" else 0.0
        return apfl(judged, labels, scale=config.scale, margin=margin, gamma=gamma)

    def layers(self) -> dict[str, str]:
        """See :meth:`MultiTaskModel.layers`."""
        if len(self.sizes) == 1:
            return {"fused": f"the {next(iter(self.sizes))} branch"} | super().layers()
        parts = {name: f"the {name} branch alone" for name in self.sizes}
        return {"fused": "all modalities side by side"} | parts | super().layers()

    def logits(self, outputs: Outputs) -> dict[str, Tensor]:
        """Of all tasks, without any margin."""
        scale = self.config.scale if self.config.loss in ANGULAR else 1.0
        return {task: outputs[task] * (scale if task == MAIN else 1.0) for task in self.tasks}

    def shared_layer(self) -> nn.Parameter | None:
        """The last convolution of the image branch, where a gender is learnt beside the emotion."""
        if self.config.gender == NONE or self.image is None:
            return None
        return [p for p in self.image.parameters() if p.ndim == 4][-1]
