"""Protocols, baselines and run folders."""
