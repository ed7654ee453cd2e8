"""Linear layers with ReLU between them: heads, discriminators, networks for vectors.

Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


def hidden_layers(inputs: int, sizes: Sequence[int], dropout: float) -> nn.Sequential:
    """Linear, ReLU and dropout for every size: ``(B, inputs)`` to ``(B, sizes[-1])``.

    Args:
        inputs: width of what comes in.
        sizes: of the layers, the first one first; empty: what comes in goes out.
        dropout: share of activations set to 0 in training.
    """
    layers: list[nn.Module] = []
    for size in sizes:
        layers += [nn.Linear(inputs, size), nn.ReLU(), nn.Dropout(dropout)]
        inputs = size
    return nn.Sequential(*layers)


def perceptron(inputs: int, hidden: Sequence[int], outputs: int, dropout: float) -> nn.Sequential:
    """:func:`hidden_layers` and a linear layer on top: ``(B, inputs)`` to ``(B, outputs)``.

    Args:
        inputs: width of what comes in.
        hidden: sizes of the hidden layers; empty: a linear layer alone.
        outputs: width of what goes out.
        dropout: share of activations set to 0 in training, behind every hidden layer.
    """
    width = hidden[-1] if hidden else inputs
    return nn.Sequential(*hidden_layers(inputs, hidden, dropout), nn.Linear(width, outputs))
