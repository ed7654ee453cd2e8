"""Recipe of a peer of chapter 03: functionals, the adversarial autoencoder with heads.

Liu and Zhang print three layers of convolution, dropout .5 and a learning rate of .001 for it, and no sizes. The paper
profile is the course's with three hidden layers and larger sizes; epochs and batch are those of ASP-MTL's.

Source: Liu and Zhang, IEEE Access 2023, section IV E.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from sercourse.models.adversarial_autoencoder import AdversarialAutoencoder, AdversarialAutoencoderConfig
from sercourse.training.recipes.vectors import VectorConfig, VectorRecipe
from sercourse.training.settings import LoopConfig, Settings

BETAS = (0.5, 0.999)
"""Of Adam: less momentum than elsewhere, as is usual where two sides play against each other."""


class _Recipe(VectorRecipe):
    name = "adversarial_autoencoder"
    network = AdversarialAutoencoder
    seconds = {"quick": 0.03, "course": 0.03, "paper": 0.05}  # noqa: RUF012 (never changed)
    profiles = {  # noqa: RUF012 (never changed)
        "quick": Settings(
            LoopConfig(epochs=15, batch_size=32, learning_rate=1e-3, schedule="cosine", betas=BETAS),
            VectorConfig(),
            AdversarialAutoencoderConfig(hidden=(128,), latent=16, head=(32,), critic=(32,)),
        ),
        "course": Settings(
            LoopConfig(epochs=30, batch_size=64, learning_rate=1e-3, schedule="cosine", betas=BETAS),
            VectorConfig(),
            AdversarialAutoencoderConfig(hidden=(256,), latent=32),
        ),
        "paper": Settings(
            LoopConfig(epochs=100, batch_size=256, learning_rate=1e-3, betas=BETAS),
            VectorConfig(),
            AdversarialAutoencoderConfig(),
        ),
    }


RECIPE = _Recipe()
"""What `sercourse train adversarial_autoencoder` runs."""
