"""Refuse files over 1 MB, weights over 10 MB (pre-commit hook, and a test over the whole repository).

python data_scripts/size_limit.py FILE…
"""

from __future__ import annotations

import sys
from pathlib import Path

LIMIT_BYTES = 1_000_000
WEIGHTS_BYTES = 10_000_000
"""Of the small encoder that ships in the package."""


def too_large(paths: list[Path]) -> list[str]:
    """One sentence for each file over the limit."""
    return [
        f"{path}: {path.stat().st_size / 1e6:.1f} MB, more than {limit(path) / 1e6:.0f} MB;"
        " shrink its pictures or leave it out."
        for path in paths
        if path.is_file() and path.stat().st_size > limit(path)
    ]


def limit(path: Path) -> int:
    """Bytes that a file may have."""
    return WEIGHTS_BYTES if path.parts[-3:-1] == ("weights", "mini_wav2vec2") else LIMIT_BYTES


if __name__ == "__main__":
    complaints = too_large([Path(name) for name in sys.argv[1:]])
    print("\n".join(complaints))
    sys.exit(1 if complaints else 0)
