"""Who may import whom: one direction, from the composition root down to what a contact is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {"karbonsync", "contacts", "matching", "xero", "karbon", "sandbox", "tests", "bench"}
MAY_IMPORT = {
    "karbonsync": {"xero", "karbon", "matching", "contacts"},
    "xero": {"contacts"},
    "karbon": {"contacts"},
    "matching": {"contacts"},
    "contacts": set(),
    "sandbox": set(),
}
COMMANDS = ROOT / "karbonsync" / "management" / "commands"
MAY_START_THE_SANDBOX = {COMMANDS / "demo.py", COMMANDS / "sandbox.py"}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """The packages of ours that a module imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        else:
            continue
        yield from OURS & {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    wrong = {
        f"{path.relative_to(ROOT)} imports {other}"
        for path in modules(package)
        for other in imports(path)
        if other not in {package, *MAY_IMPORT[package]} and not (other == "sandbox" and path in MAY_START_THE_SANDBOX)
    }
    assert wrong == set()


@pytest.mark.parametrize("name", ["core", "common", "utils", "helpers", "services"])
def test_there_is_no_package_for_leftovers(name: str) -> None:
    found = [path for package in MAY_IMPORT for path in (ROOT / package).rglob(f"{name}*") if path.stem == name]
    assert found == []
    assert not (ROOT / name).exists()
