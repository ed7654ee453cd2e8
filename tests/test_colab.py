"""The first cell on Colab: it installs what Colab lacks, and replaces nothing that the running kernel has loaded."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

COLAB: tuple[str, ...] = (
    "torch==2.11.0", "torchvision==0.26.0", "numpy==2.0.2", "pandas==2.2.2", "scipy==1.16.3", "scikit-learn==1.6.1",
    "matplotlib==3.10.0", "librosa==0.11.0", "ipython==7.34.0", "ipykernel==6.17.1", "ipywidgets==7.7.1",
    "transformers==4.57.1", "seaborn==0.13.2", "tensorboard==2.19.0", "numba==0.60.0", "pillow==11.3.0", "setuptools",
)  # fmt: skip
"""Packages of the kind that Colab brings: a torch that fits, an older numpy and pandas, a very old IPython."""

LOADED: tuple[str, ...] = (
    "torch", "torchvision", "numpy", "pandas", "scipy", "scikit-learn", "matplotlib", "ipython", "ipykernel",
    "ipywidgets", "pillow", "tornado", "traitlets",
)  # fmt: skip
"""What a kernel has imported, or what takes minutes to fetch: another version of these asks for a restart."""

SECONDS = 120.0


def set_up_cell(path: Path) -> str:
    """The first code cell of a notebook."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return "".join(next(cell["source"] for cell in cells if cell["cell_type"] == "code"))


def notebooks(repository: Path) -> list[Path]:
    return sorted((repository / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def test_every_first_cell_installs_only_where_sercourse_is_absent(repository):
    assert len(notebooks(repository)) >= 7
    for path in notebooks(repository):
        cell = set_up_cell(path)
        assert 'find_spec("sercourse") is None' in cell, path.name
        (address,) = re.findall(r"git\+https://github\.com/[\w.-]+/[\w.-]+", cell)
        assert len(cell.splitlines()) <= 5, path.name
        assert not re.search(r"--upgrade|-U\b|--force|restart|kill", cell), path.name
        compile(cell.replace(address, "x"), path.name, "exec")


@pytest.mark.long
def test_on_colab_the_first_cell_takes_less_than_two_minutes_and_asks_for_no_restart(repository, tmp_path):
    """With a clone of this repository in place of its address, and a Python such as Colab's."""
    uv = str(Path(sys.executable).parent / "uv")
    clone, environment = tmp_path / "clone", tmp_path / "colab"
    subprocess.run(["git", "clone", "--quiet", str(repository), str(clone)], check=True)
    make = [uv, "venv", "--quiet", "--seed", "--clear", str(environment), "--python"]
    if subprocess.run([*make, "3.12"], capture_output=True).returncode:
        warnings.warn("No Python 3.12 can be had: Colab's packages go into our own Python.", stacklevel=1)
        subprocess.run([*make, sys.executable], check=True)
    python = str(environment / "bin" / "python")
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *COLAB], check=True)
    ours = ("SERCOURSE_", "VIRTUAL_ENV", "PYTHONPATH", "COV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    inside = kept | {"PATH": f"{environment / 'bin'}:{os.environ['PATH']}"}
    before = versions(uv, python)

    seconds = 0.0
    for chapter in ("05_mtap", "07_explorer"):  # those that install more than the library
        cell = set_up_cell(repository / "notebooks" / f"{chapter}.ipynb")
        cell = re.sub(r"git\+https://github\.com/[\w.-]+/[\w.-]+", clone.as_uri(), cell)
        cell = cell.replace("is None", "is not False")  # the second installs, too; their sum is what is judged
        begun = time.perf_counter()
        done = subprocess.run([python, "-c", cell], cwd=tmp_path, env=inside, capture_output=True, text=True)
        seconds += time.perf_counter() - begun
        assert done.returncode == 0, done.stderr[-3000:]

    after = versions(uv, python)
    assert {name: after[name] for name in LOADED} == {name: before[name] for name in LOADED}
    used = (
        "import sercourse, sercourse.training.networks, sercourse.training.comparators, sercourse.explain.plots;"
        "from sercourse.explain.players import player; from sercourse.explain.linked_maps import linked_maps;"
        "from sercourse.app import cell; assert cell.anywidget; print(sercourse.__file__)"
    )
    shown = subprocess.run([python, "-c", used], cwd=tmp_path, env=inside, capture_output=True, text=True)
    assert str(environment) in shown.stdout, shown.stderr[-3000:]
    print(f"both first cells: {seconds:.0f} s; {len(after) - len(before)} packages more")
    assert seconds < SECONDS


def versions(uv: str, python: str) -> dict[str, str]:
    """Name to version of what is installed."""
    listed = subprocess.run(
        [uv, "pip", "list", "--format", "json", "--python", python], capture_output=True, text=True, check=True
    )
    return {each["name"].lower(): each["version"] for each in json.loads(listed.stdout)}
