"""Plots, players and projections."""
