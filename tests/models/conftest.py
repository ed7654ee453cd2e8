"""What tests of the peers of ASP-MTL share."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sercourse.losses.masked import MISSING


@pytest.fixture
def batch() -> dict[str, Tensor]:
    """Four utterances as functionals; some labels are missing. (ASP-MTL's tests have frames of their own.)"""
    torch.manual_seed(1)
    return {
        "functionals": 3 * torch.randn(4, 7) + 1,
        "emotion": torch.tensor([0, 2, MISSING, MISSING]),
        "gender": torch.tensor([MISSING, 0, 1, 0]),
    }
