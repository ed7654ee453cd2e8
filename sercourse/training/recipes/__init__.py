"""One recipe per chapter: which features, which batches, which network, which sizes in which profile."""

from sercourse.training.recipes.base import Recipe, recipe

__all__ = ["Recipe", "recipe"]
