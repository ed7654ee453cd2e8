"""Autoencoder with emotion embedding: restore a spectrogram from a latent and the emotion's name, classify the latent.

The decoder is told the emotion, so the latent need not carry the emotion's *name*; what the paper hopes for is that it
then carries the evidence from which the classifier can tell it. The classifier sees the latent and openSMILE
functionals, never the label and nothing of the decoder.

Where the paper leaves a choice, this is the one made:

===================================  ==================================================================================
the paper                            here
===================================  ==================================================================================
classifier takes 2478 inputs, IS10   the width follows from the inputs: 2094 = 1582 (IS10) + 512 (latent); 2478 comes
and the latent give 2094             out with IS09 (384) added, ``functionals=("is10", "is09")``
the norm of the variants without     batch norm, which the text says instance norm replaced; ``norm="none"`` for none
instance norm is not named
scale and shift of instance norm     none
activation is not named              leaky ReLU, slope .01
order of the layers in a block       convolution, activation, convolution, activation, norm, dropout, then the residual
how an embedding enters              added to every frame before the first convolution of its block; the fifth is added
                                     before the GRU and joined behind it (FC5: 1536 = 512 + 2 x 256 + 512)
residual path across strides         every second frame down, each frame twice up
FC1 to FC4                           two residual blocks of two layers, frame by frame; the decoder's two share Emb4
the bank's widths                    1 … 8, joined with its input: 1537 = 8 x 128 + 513
attended latent to vector            mean over valid frames
lambda of equation 4                 1, with both losses as means (equations 2 and 3 print sums)
does L_EC train the encoder?         yes; equations 3 and 4 print it over attention and classifier alone, and what
                                     theta_Total holds is not said: ``classifier_trains_encoder=False`` for that reading
scaling of the inputs                z-scores with statistics of the training utterances, per bin and per functional
dropout in the decoder               behind each block, as in the encoder (table 2 lists none, the text names it as a
                                     part of both halves)
an utterance shorter than a crop     taken whole, padded, masked (the paper's range [0, T - 128) is empty there)
other crops                          begin anywhere in [0, T - 128], one per utterance and epoch; at test one every 64
                                     frames, posteriors averaged
sampling rate, window, hop           16 kHz, 64 ms, 12.5 ms
batch size                           32
M unlabelled samples (section III)   none are used; a label of -1 is skipped by the emotion loss
choice of the epoch                  best UA on an inner validation side, which is taken from the training side
===================================  ==================================================================================

Source: Zhang and Xue, "Autoencoder With Emotion Embedding for Speech Emotion Recognition", IEEE Access 2021.
Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from sercourse.layers.attention import AttentivePooling, MeanPooling
from sercourse.layers.convolution import SLOPE, ConvBank, DenseBlock, DownBlock, UpBlock
from sercourse.layers.masking import frame_mask, masked_mean, silenced
from sercourse.layers.normalisation import MaskedNorm
from sercourse.layers.recurrence import MaskedGRU
from sercourse.layers.scaling import Standardise
from sercourse.losses.masked import MISSING, cross_entropy, mean_absolute_error
from sercourse.models.emotion_autoencoder_config import AutoencoderConfig
from sercourse.models.multitask import JUDGED, Batch, MultiTaskModel, Outputs

LEVELS = 3
"""Layers of stride 2 in the encoder: eight frames become one."""


class Encoder(nn.Module):
    """Spectrogram to latent, an eighth of the frames (table 1, figure 3).

    Args:
        bins: ``F``.
        config: sizes.
    """

    def __init__(self, bins: int, config: AutoencoderConfig) -> None:
        super().__init__()
        c = config
        self.bank = ConvBank(bins, c.bank_channels, c.bank_widths)  # Conv1s
        self.squeeze = nn.Conv1d(self.bank.outputs, c.width, 1)  # Conv2
        self.norm, self.dropout = MaskedNorm(c.width, c.norm), nn.Dropout(c.dropout)
        self.down = nn.ModuleList(
            DownBlock(c.width, c.encoder_kernel, c.norm, c.dropout) for _ in range(LEVELS)
        )  # Conv3 to 8
        self.dense = nn.ModuleList(DenseBlock(c.width, c.norm, c.dropout) for _ in range(2))  # FC1 to FC4
        self.gru = MaskedGRU(c.width, c.encoder_gru)
        self.out = nn.Conv1d(c.width + 2 * c.encoder_gru, c.width, 1)  # FC5

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None, list[tuple[Tensor, int]]]:
        """Encode.

        Args:
            x: ``(B, T, F)``, standardised.
            lengths: valid frames, ``(B,)``.

        Returns:
            The latent ``(B, C, T / 8)``, its mask ``(B, T / 8)``, and lengths and number of frames on the way, finest
            first, which the decoder needs to come out where the encoder began.
        """
        mask = frame_mask(lengths, x.shape[1])
        y = self.bank(silenced(x.transpose(1, 2), mask), mask)  # (B, F + 8 x 128, T)
        y = self.dropout(self.norm(leaky_relu(self.squeeze(y), SLOPE), mask))  # (B, C, T)
        levels = []
        for block in self.down:
            levels.append((lengths, y.shape[-1]))
            y, lengths, mask = block(y, lengths, mask)  # (B, C, T / 2), /4, /8
        for block in self.dense:
            y = block(y, mask)
        y = torch.cat([y, self.gru(y, lengths)], dim=1)  # (B, C + 2 x 128, T / 8)
        return silenced(leaky_relu(self.out(y), SLOPE), mask), mask, levels


class Decoder(nn.Module):
    """Latent and emotion to spectrogram (table 2, figure 4).

    Args:
        bins: ``F``.
        emotions: number of emotions.
        config: sizes.
    """

    def __init__(self, bins: int, emotions: int, config: AutoencoderConfig) -> None:
        super().__init__()
        c = config
        self.embeddings = nn.ModuleList(nn.Embedding(emotions, c.width) for _ in range(5 if c.embedding else 0))
        self.up = nn.ModuleList(UpBlock(c.width, c.decoder_kernel, c.norm, c.dropout) for _ in range(LEVELS))
        self.dense = nn.ModuleList(DenseBlock(c.width, c.norm, c.dropout) for _ in range(2))  # FC1 to FC4
        self.gru = MaskedGRU(c.width, c.decoder_gru)
        joined = c.width + 2 * c.decoder_gru + (c.width if c.embedding else 0)
        self.join = nn.Conv1d(joined, c.width, 1)  # FC5
        self.out = nn.Conv1d(c.width, bins, 1)  # FC6

    def conditions(self, emotion: Tensor) -> list[Tensor]:
        """The five embeddings of some labels ``(B,)``, ``(B, C)`` each; 0 for a missing label or without embedding."""
        if not self.embeddings:
            return [self.out.weight.new_zeros(len(emotion), self.out.in_channels)] * 5
        known = (emotion != MISSING)[:, None]
        return [table(emotion.clamp(min=0)) * known for table in self.embeddings]

    def forward(self, latent: Tensor, emotion: Tensor, levels: list[tuple[Tensor, int]]) -> tuple[Tensor, list[Tensor]]:
        """Decode.

        Args:
            latent: ``(B, C, T / 8)``.
            emotion: class indices ``(B,)``; -1: no embedding.
            levels: as the encoder gave them.

        Returns:
            The spectrogram ``(B, T, F)``, standardised; and the states that the five embeddings went into,
            ``(B, C, T')`` each (figures 6 and 7 can only show these).
        """
        conditions = self.conditions(emotion)
        states, y = [], latent
        for block, condition, (lengths, frames) in zip(self.up, conditions[:LEVELS], reversed(levels), strict=True):
            states.append(y + condition[..., None])
            y, mask = block(y, condition, lengths, frames)  # (B, C, T / 4), /2, T
        states.append(y + conditions[3][..., None])
        for block in self.dense:
            y = block(y, mask, conditions[3])
        told = y + conditions[4][..., None]
        states.append(told)
        y = torch.cat([y, self.gru(told, levels[0][0])], dim=1)  # (B, C + 2 x 256, T)
        if self.embeddings:
            y = torch.cat([y, conditions[4][..., None].expand(-1, -1, y.shape[-1]).to(y.dtype)], dim=1)
        y = leaky_relu(self.join(y), SLOPE)
        return self.out(y).transpose(1, 2), states  # (B, T, F)


class EmotionAutoencoder(MultiTaskModel):
    """Encoder, decoder with emotion embedding, attention, fusion with functionals, classifier (figure 1).

    Args:
        bins: ``F`` of the spectrogram.
        functionals: ``D``, width of all functionals together; 0: none.
        emotions: the emotions' names.
        config: sizes and switches.
    """

    tasks = ("reconstruction", "emotion")

    def __init__(
        self, bins: int, functionals: int, emotions: list[str], config: AutoencoderConfig | None = None
    ) -> None:
        super().__init__()
        self.config = config = config or AutoencoderConfig()
        self.classes = {"emotion": list(emotions)}
        self.scale_spectrogram = Standardise(bins)
        self.scale_functionals = Standardise(functionals)
        self.encoder = Encoder(bins, config)
        self.decoder = Decoder(bins, len(emotions), config)
        if not config.reconstruction_weight:  # never run then; several devices would wait for its gradients
            self.decoder.requires_grad_(False)
        self.attention = AttentivePooling(config.width, config.heads) if config.attention else MeanPooling()
        layers: list[nn.Module] = []
        width = config.width + functionals  # table 3 prints 2478: see the module's table
        for number, hidden in enumerate(config.hidden):
            layers += [nn.Linear(width, hidden), nn.LeakyReLU(SLOPE)]
            layers += [nn.Dropout(config.dropout)] if number < 2 else []
            width = hidden
        self.classifier = nn.Sequential(*layers, nn.Linear(width, len(emotions)))

    def forward(self, batch: Batch) -> Outputs:
        """Encode, classify and, where labels are there, restore.

        Args:
            batch: ``spectrogram (B, T, F)`` in dB, ``frames (B,)``, ``functionals (B, D)`` where the network takes
                some, ``emotion (B,)`` (optional; only the decoder sees it).

        Returns:
            ``logits (B, C)``, ``embedding (B, C)`` (the attended latent), ``latent_mean (B, C)``, ``fused
            (B, C + D)`` (what the classifier gets), ``attention (B, T / 8)``, ``target
            (B, T, F)`` and, where there are labels, ``restored (B, T, F)``.
        """
        lengths = batch["frames"]
        target = self.scale_spectrogram(batch["spectrogram"])  # (B, T, F)
        latent, mask, levels = self.encoder(target, lengths)
        seen = latent if self.config.classifier_trains_encoder else latent.detach()
        embedding, attention = self.attention(seen.transpose(1, 2), mask)  # (B, C), (B, T / 8)
        fused = embedding
        if "functionals" in batch:
            fused = torch.cat([embedding, self.scale_functionals(batch["functionals"]).to(embedding.dtype)], dim=1)
        outputs = {
            "logits": self.classifier(fused),
            "embedding": embedding,
            "latent_mean": masked_mean(latent.transpose(1, 2), mask),
            "fused": fused,
            "attention": attention,
            "target": target,
        }
        if "emotion" in batch and self.config.reconstruction_weight > 0:
            outputs["restored"], _ = self.decoder(latent, batch["emotion"], levels)
        return outputs

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Equations 2 and 3; the balancer weighs them (equation 4)."""
        restored = outputs.get("restored", outputs["target"])  # without a decoder there is nothing to restore
        mask = frame_mask(batch["frames"], restored.shape[1])
        return {
            "reconstruction": mean_absolute_error(restored, outputs["target"], mask),
            "emotion": cross_entropy(outputs["logits"], batch["emotion"], smoothing=self.config.smoothing),
        }

    def layers(self) -> dict[str, str]:
        """See :meth:`MultiTaskModel.layers`."""
        latent = {"embedding": "the latent, attended over time", "latent_mean": "the latent, mean over time"}
        if len(self.scale_functionals.mean):
            latent["fused"] = "the attended latent and openSMILE's functionals, as the classifier gets them"
        return latent | {"logits": JUDGED}

    def logits(self, outputs: Outputs) -> dict[str, Tensor]:
        """The emotion's logits ``(B, C)``."""
        return {"emotion": outputs["logits"]}

    def shared_layer(self) -> nn.Parameter:
        """The encoder's last layer, which feeds both decoder and classifier."""
        return self.encoder.out.weight

    @torch.inference_mode()
    def restore(self, spectrogram: Tensor, emotion: int) -> tuple[Tensor, list[Tensor]]:
        """Decode one utterance's latent as if it were of an emotion.

        Args:
            spectrogram: ``(T, F)``, dB.
            emotion: class index; -1: no embedding.

        Returns:
            ``(T, F)`` in dB, and the five states of :meth:`Decoder.forward`.
        """
        frames = torch.tensor([len(spectrogram)], device=spectrogram.device)
        latent, _, levels = self.encoder(self.scale_spectrogram(spectrogram[None]), frames)
        restored, states = self.decoder(latent, frames.new_tensor([emotion]), levels)
        return self.scale_spectrogram.inverse(restored[0]), [state[0] for state in states]
