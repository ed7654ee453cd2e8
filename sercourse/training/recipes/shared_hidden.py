"""Recipe of a peer of chapter 03: functionals, shared hidden layers.

The paper profile has what Liu and Zhang print (two layers of 256, dropout .5, learning rate .001); epochs and batch are
those of ASP-MTL's paper profile, for they print none for this network. The course has the same sizes and fewer epochs.

Source: Liu and Zhang, IEEE Access 2023, section IV E.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from sercourse.models.shared_hidden import SharedHidden, SharedHiddenConfig
from sercourse.training.recipes.vectors import VectorConfig, VectorRecipe
from sercourse.training.settings import LoopConfig, Settings


class _Recipe(VectorRecipe):
    name = "shared_hidden"
    network = SharedHidden
    seconds = {"quick": 0.02, "course": 0.02, "paper": 0.02}  # noqa: RUF012 (never changed)
    profiles = {  # noqa: RUF012 (never changed)
        "quick": Settings(
            LoopConfig(epochs=15, batch_size=32, learning_rate=1e-3, schedule="cosine"),
            VectorConfig(),
            SharedHiddenConfig(shared=(128,), private=(64,)),
        ),
        "course": Settings(
            LoopConfig(epochs=30, batch_size=64, learning_rate=1e-3, schedule="cosine"),
            VectorConfig(),
            SharedHiddenConfig(),
        ),
        "paper": Settings(
            LoopConfig(epochs=100, batch_size=256, learning_rate=1e-3), VectorConfig(), SharedHiddenConfig()
        ),
    }


RECIPE = _Recipe()
"""What `sercourse train shared_hidden` runs."""
