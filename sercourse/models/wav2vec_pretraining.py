"""Self-supervised pretraining of a small wav2vec2, with measured targets beside the contrast where they are wanted.

The network hears speech with spans of frames hidden and must tell, for each hidden frame, its own quantised sound from
those of other hidden frames (contrastive loss) while using all of its codebook (diversity loss). That is wav2vec 2.0.
A network this small, on so few hours, learns little about the voice that way. So two heads may ask for more of every
frame and of the mean over frames: what can be measured on the clean recording without any label, a mel spectrum with
pitch and energy, and openSMILE's functionals.

===================================  ==================================================================================
Baevski et al.                       here
===================================  ==================================================================================
contrastive loss, Gumbel codebook    Hugging Face's ``Wav2Vec2ForPreTraining``; its loss is a sum over hidden frames and
                                     becomes a mean
95 M parameters, 960 hours           about 4 M, five hours of synthetic speech
masks of 10 frames, .65 of them      taken over
nothing but the contrast             ``frames_weight=0 functionals_weight=0``; the two targets are ours
===================================  ==================================================================================

Source: Baevski et al., "wav2vec 2.0", NeurIPS 2020; targets in the manner of Pascual et al., "Learning problem-agnostic
speech representations from multiple self-supervised tasks", Interspeech 2019.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from transformers import Wav2Vec2Config, Wav2Vec2ForPreTraining
from transformers.models.wav2vec2.modeling_wav2vec2 import _compute_mask_indices, _sample_negative_indices

from sercourse.layers.masking import frame_mask, masked_mean
from sercourse.layers.waveform_convolution import WaveformConvolutions
from sercourse.models import ranges
from sercourse.models.multitask import Batch, MultiTaskModel, Outputs

LOUDER = 30.0
"""The first convolution begins with weights so many times torch's, so that speech outweighs its biases. Speech is not
brought to one level before it (as it is for the published checkpoints): its level is part of the voice."""


@dataclass(frozen=True)
class PretrainingConfig:
    """Sizes and weights of the small wav2vec2.

    Raises:
        ValueError: a value outside its range.
    """

    hidden: int = 240
    """Width of the transformer."""
    layers: int = 5
    """Of the transformer."""
    heads: int = 4
    """Of attention."""
    channels: tuple[int, ...] = (32, 64, 128, 128, 128, 128, 128)
    """Of the seven convolutions."""
    codes: int = 64
    """Codevectors in each of the two groups."""
    negatives: int = 20
    """Other hidden frames that each hidden frame is told from."""
    hidden_share: float = 0.65
    """Frames that are covered by masks, before overlaps."""
    dropout: float = 0.0
    """In the transformer."""
    contrastive_weight: float = 1.0
    """Of the contrastive loss."""
    diversity_weight: float = 0.1
    """Of the diversity loss."""
    frames_weight: float = 1.0
    """Of the targets of every frame; 0: the head learns nothing and teaches nothing."""
    functionals_weight: float = 1.0
    """Of the functionals."""

    def __post_init__(self) -> None:
        ranges.at_least_one(self, "hidden", "layers", "heads", "codes", "negatives")
        ranges.some_sizes(self, "channels")
        ranges.shares(self, "hidden_share", "dropout")
        ranges.not_negative(self, *(name for name in asdict(self) if name.endswith("_weight")))
        if self.hidden % self.heads:
            raise ValueError(f"hidden={self.hidden}: must be a multiple of heads={self.heads}")

    @property
    def weights(self) -> dict[str, float]:
        """Fixed weights of the four losses, for the balancer."""
        return {task: getattr(self, f"{task}_weight") for task in Wav2vecPretraining.tasks}

    def wav2vec(self) -> Wav2Vec2Config:
        """As Hugging Face writes it; layer norm in the convolutions, which padding does not touch."""
        return Wav2Vec2Config(
            hidden_size=self.hidden, num_hidden_layers=self.layers, num_attention_heads=self.heads,
            intermediate_size=4 * self.hidden, conv_dim=self.channels, feat_extract_norm="layer", conv_bias=True,
            do_stable_layer_norm=True, num_conv_pos_embeddings=32, num_conv_pos_embedding_groups=8,
            num_codevector_groups=2, num_codevectors_per_group=self.codes, codevector_dim=64, proj_codevector_dim=64,
            num_negatives=self.negatives, mask_time_prob=self.hidden_share, mask_time_length=10, layerdrop=0.0,
            hidden_dropout=self.dropout, attention_dropout=self.dropout, feat_proj_dropout=self.dropout,
            activation_dropout=0.0, final_dropout=0.0,
        )  # fmt: skip


class Wav2vecPretraining(MultiTaskModel):
    """A small wav2vec2 with its contrastive task and two heads for measured targets.

    Args:
        frame_targets: ``F``, targets of every frame.
        functionals: ``D``, targets of the mean over frames.
        config: sizes and weights.
    """

    tasks = ("contrastive", "diversity", "frames", "functionals")
    classes = {}  # noqa: RUF012 (never changed)

    def __init__(self, frame_targets: int, functionals: int, config: PretrainingConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PretrainingConfig()
        self.network = Wav2Vec2ForPreTraining(config.wav2vec())
        encoder = WaveformConvolutions(self.network.wav2vec2.feature_extractor)
        self.network.wav2vec2.feature_extractor = encoder
        with torch.no_grad():
            encoder.conv_layers[0].conv.weight *= LOUDER
        self.frame_head = nn.Sequential(nn.LayerNorm(config.hidden), nn.Linear(config.hidden, frame_targets))
        self.functional_head = nn.Sequential(nn.LayerNorm(config.hidden), nn.Linear(config.hidden, functionals))

    def forward(self, batch: Batch) -> Outputs:
        """Hide, hear, predict.

        Args:
            batch: ``waveforms (B, N)`` and ``length (B,)``, valid samples.

        Returns:
            The two losses of wav2vec 2.0 per hidden frame, ``perplexity`` of the codebook, ``frames (B, T, F)``,
            ``functionals (B, D)``, ``mask (B, T)``.
        """
        waveforms, lengths = batch["waveforms"], batch["length"]
        frames = self.network.wav2vec2.feature_extractor.frames(lengths)
        total = int(self.network.wav2vec2.feature_extractor.frames(torch.tensor(waveforms.shape[1])))
        mask = frame_mask(frames, total)
        valid = torch.ones(len(waveforms), total, device=waveforms.device) if mask is None else mask
        shape, config = (len(waveforms), total), self.network.config
        hidden = _compute_mask_indices(shape, config.mask_time_prob, config.mask_time_length, valid.long(), 1)
        others = _sample_negative_indices(shape, config.num_negatives, hidden)
        samples = torch.arange(waveforms.shape[1], device=waveforms.device) < lengths[:, None]  # (B, N)
        out = self.network(
            waveforms, attention_mask=samples.long(), mask_time_indices=torch.from_numpy(hidden).to(waveforms.device),
            sampled_negative_indices=torch.from_numpy(others).to(waveforms.device), output_hidden_states=True,
        )  # fmt: skip
        context = out.hidden_states[-1]  # (B, T, H)
        return {
            "contrastive": out.contrastive_loss / hidden.sum(),
            "diversity": out.diversity_loss / hidden.sum(),
            "perplexity": out.codevector_perplexity.detach(),
            "frames": self.frame_head(context),
            "functionals": self.functional_head(masked_mean(context, mask)),
            "mask": valid,
        }

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Those of wav2vec 2.0, and mean absolute errors of the z-scored targets over valid frames."""
        weight = outputs["mask"][..., None]  # (B, T, 1)
        targets = batch["frames"][:, : weight.shape[1]]
        error = ((outputs["frames"].float() - targets).abs() * weight).sum() / (weight.sum() * targets.shape[-1])
        functionals = (outputs["functionals"].float() - batch["functionals"]).abs().mean()
        return {
            "contrastive": outputs["contrastive"],
            "diversity": outputs["diversity"],
            "frames": error,
            "functionals": functionals,
        }

    def logits(self, outputs: Outputs) -> dict[str, Tensor]:
        """None: there are no labels."""
        return {}

    def begin_epoch(self, done: float) -> None:
        """The Gumbel softmax cools down from 2 to .5."""
        self.network.set_gumbel_temperature(2.0 - 1.5 * done)
