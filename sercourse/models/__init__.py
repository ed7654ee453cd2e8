"""The five papers' networks, one file per paper, and the multi-task contract (chapters 02 to 06)."""
