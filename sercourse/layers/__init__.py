"""Blocks of the papers that more than one network uses."""
