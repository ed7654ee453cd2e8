"""Pages of the API reference: one per part of the house, in the order in which they import each other."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

from data_scripts.course import ROOT
from data_scripts.website.markdown import section, table, write

FOLDER = "api"


def house() -> list[str]:
    """Modules and packages of the library from the ground up, as the import contract of ``pyproject.toml`` stacks them;
    what it does not name comes last."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    floors = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    stacked = [name.strip().removeprefix("sercourse.") for floor in floors[::-1] for name in re.split("[:|]", floor)]
    package = ROOT / "sercourse"
    there = {p.stem for p in package.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()} - {"__init__"}
    return [*(name for name in stacked if name in there), *sorted(there - set(stacked))]


def modules(name: str, package: Path = ROOT / "sercourse") -> list[str]:
    """Dotted names of a module, or of a package and all that is in it, sorted.

    Args:
        name: one of :func:`house`.
        package: folder of the library.
    """
    if (package / f"{name}.py").exists():
        return [f"{package.name}.{name}"]
    found = []
    for file in (package / name).rglob("*.py"):
        parts = file.relative_to(package.parent).with_suffix("").parts
        found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return sorted(found)


def file_of(module: str, folder: Path = ROOT) -> Path:
    """The source file of a module."""
    path = folder.joinpath(*module.split("."))
    return package if (package := path / "__init__.py").exists() else path.with_suffix(".py")


def purpose(module: str) -> str:
    """First paragraph of a module's docstring, on one line, without importing it; "" where there is none."""
    told = ast.get_docstring(ast.parse(file_of(module).read_text("utf-8"))) or ""
    return " ".join(told.partition("\n\n")[0].split()).replace("``", "`")


def write_reference(target: Path) -> int:
    """Write all pages of the reference; returns the number of modules.

    Args:
        target: the site's source folder.
    """
    listed = {name: [module for module in modules(name) if purpose(module)] for name in house()}
    for name, own in listed.items():
        write(target / FOLDER / f"{name}.rst", page(name, own))
    intro = (
        "From the docstrings, floor by floor: an import only ever points up this list. What a function takes has its"
        " unit in its description, shapes stand in round brackets, and every error that a user can cause is under"
        " *Raises*."
    )
    rows = [(f"[`{name}`]({name}.rst)", purpose(f"sercourse.{name}"), len(own)) for name, own in listed.items()]
    tree = "\n".join(["```{toctree}", ":hidden:", "", *listed, "```"])
    contents = section("API reference", intro, table(("part", "what it is for", "modules"), rows), tree, level=1)
    write(target / FOLDER / "index.md", contents)
    return sum(map(len, listed.values()))


def page(name: str, listed: list[str]) -> str:
    """The page of a part, in reStructuredText: each module is a section.

    Args:
        name: of the part.
        listed: its modules; where it is one module, the page is that module's.
    """
    lines = [_heading(f"sercourse.{name}", "=")]
    for module in listed:
        if module != f"sercourse.{name}":
            lines.append(_heading(module.removeprefix("sercourse."), "-"))
        lines.append(f".. automodule:: {module}\n")
    return "\n".join(lines)


def _heading(title: str, underline: str) -> str:
    return f"{title}\n{underline * len(title)}\n"
