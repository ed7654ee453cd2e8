"""Scripts that fetch and make corpora; the library itself never downloads a recording."""
