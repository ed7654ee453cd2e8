"""The house itself: import contracts, formatting, files that must agree with each other."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml

from data_scripts import badges, readme
from data_scripts.course import extras
from data_scripts.size_limit import too_large

ROOT = Path(__file__).resolve().parent.parent


def tracked() -> list[Path]:
    """The files under version control (or all of them, outside of it)."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        return [p for p in ROOT.rglob("*") if p.is_file() and ".venv" not in p.parts]
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run a tool of the environment that the tests run in."""
    return subprocess.run(
        [str(Path(sys.executable).parent / name), *arguments], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "command",
    [["lint-imports", "--no-cache"], ["ruff", "check", "."], ["ruff", "format", "--check", "."], ["codespell"]],
    ids=lambda c: " ".join(c),
)
def test_checks_pass(command):
    done = tool(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_import_contracts_can_fail(tmp_path):
    """The contracts are alive: a forbidden import in a copy of the package is found."""
    shutil.copytree(ROOT / "sercourse", tmp_path / "sercourse", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "sercourse" / "signal" / "leak.py").write_text("import sercourse.features.store\nimport torch\n")
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode != 0
    assert "sercourse.signal.leak -> sercourse.features.store" in done.stdout
    assert "sercourse.signal.leak -> torch" in done.stdout


def test_no_file_is_too_large(tmp_path):
    assert too_large(tracked()) == []
    big = tmp_path / "big.bin"
    big.write_bytes(b"0" * 1_000_001)
    assert len(too_large([big])) == 1


def test_no_file_names_a_path_of_one_machine_or_an_index_host():
    """Only binder/ may name PyTorch's public CPU index; audio never enters the repository."""
    forbidden = re.compile(r"/root/|/home/\w|/Users/\w|index-url[ =]+http|find-links[ =]+(http|file)")
    for path in tracked():
        if path.suffix in {".wav", ".flac", ".mp3", ".ogg"}:
            pytest.fail(f"{path}: audio in the repository")
        if path == Path(__file__) or path.suffix in {".png", ".safetensors"}:
            continue
        if path.parent.name == "binder":
            continue
        found = forbidden.search(path.read_text("utf-8"))
        assert not found, f"{path}: {found[0]}"
        assert "download.pytorch.org" not in path.read_text("utf-8"), path


def constraints() -> dict[str, set[str]]:
    pinned: dict[str, set[str]] = {}
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        requirement = re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", line)
        assert requirement, f"constraints.txt: {line!r} is no exact version"
        pinned.setdefault(requirement[1].lower().replace("_", "-"), set()).add(requirement[2])
    return pinned


def test_every_dependency_is_constrained():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    names = {re.match(r"[A-Za-z0-9._-]+", w)[0].lower().replace("_", "-") for w in wanted}
    assert names <= set(constraints())


def test_conda_gives_the_same_set():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    pinned = constraints()
    python = [d for d in environment["dependencies"] if isinstance(d, str) and d.startswith("python=")]
    assert python == ["python=3.11"]
    (pip,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    assert "--constraint constraints.txt" in pip
    assert f"--editable .[{extras()}]" in pip
    for dependency in [d for d in environment["dependencies"] if isinstance(d, str)]:
        name, _, version = dependency.partition("=")
        if version and name != "python":
            assert version.strip("=") in pinned[name], f"environment.yml: {dependency} differs from constraints.txt"


def test_binder_takes_the_constrained_torch_and_names_one_index():
    lines = (ROOT / "binder" / "requirements.txt").read_text("utf-8").splitlines()
    (torch,) = [line for line in lines if line.startswith("torch==")]
    assert torch.removeprefix("torch==").removesuffix("+cpu") in constraints()["torch"]
    assert sum("http" in line for line in lines) == 1
    (constraint,) = [line.split()[1] for line in lines if line.startswith("--constraint")]
    assert (ROOT / "binder" / constraint).is_file(), "pip reads it relative to binder/"
    assert (ROOT / "binder" / "runtime.txt").read_text("utf-8").strip() == "python-3.11"


def test_readme_shows_what_was_measured():
    text = (ROOT / "README.md").read_text("utf-8")
    assert readme.fill(text) == text, "run: python data_scripts/readme.py"
    assert readme.fill(text.replace("| emodb |", "| emodb | 99.9")) == text, "a typed figure would be overwritten"
    for link in re.findall(r"\]\((?!http|#)([^)#]+)", text):
        assert (ROOT / link).exists(), f"README.md links to {link}"


def test_readme_commands_exist():
    """Every `sercourse COMMAND` and `make TARGET` that the README names is there."""
    text = (ROOT / "README.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    shown = tool("sercourse", "--help").stdout
    for command in set(re.findall(r"^(?:\| `)?sercourse ([a-z]+)", text, re.MULTILINE)):
        assert re.search(rf"\b{command}\b", shown), command


def test_badges_are_written_from_one_address(tmp_path):
    for path in badges.files_that_name_it():
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    old = badges.current_address()
    changed = badges.change_address("my-lab/ser-course", tmp_path)
    assert {p.name for p in changed} >= {"pyproject.toml", "README.md", "CITATION.cff", "00_start_here.ipynb"}
    assert badges.current_address(tmp_path) == "my-lab/ser-course"
    for path in badges.files_that_name_it(tmp_path):
        assert f"/{old}/" not in path.read_text("utf-8"), path
    assert "mybinder.org/v2/gh/my-lab/ser-course/main" in (tmp_path / "README.md").read_text("utf-8")
    badges.change_address(old, tmp_path)
    assert (tmp_path / "README.md").read_text("utf-8") == (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("address", ["", "no-slash", "a/b/c", "bad owner/x"])
def test_bad_address_is_refused(address, tmp_path):
    with pytest.raises(ValueError, match="owner/name"):
        badges.change_address(address, tmp_path)


def test_library_stays_readable():
    """A file does one thing: none is much over 300 lines."""
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked()
        if path.suffix == ".py" and "tests" not in path.parts and path.parts[-2] != "source"
        and (lines := len(path.read_text("utf-8").splitlines())) > 320
    }  # fmt: skip
    assert long == {}


def test_library_uses_nothing_that_runs_foreign_code():
    forbidden = re.compile(
        r"pickle\.load|(?<!\.)\beval\(|\bexec\(|trust_remote_code|torch\.load\((?!.*weights_only=True)"
    )
    for path in tracked():
        if path.suffix == ".py" and path.parts[len(ROOT.parts)] in {"sercourse", "data_scripts", "benchmarks"}:
            assert not forbidden.search(path.read_text("utf-8")), path
