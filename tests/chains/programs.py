"""Where the tools from tests/js/package-lock.json lie: `make test` puts them there and names the folder in PICTOR_JS."""

import os
from pathlib import Path

MODULES = Path("tests/js/node_modules")


def modules() -> Path:
    """The folder node_modules. Raises LookupError with what to do."""
    named = os.environ.get("PICTOR_JS")
    folder = Path(named) / "node_modules" if named else MODULES.resolve()
    if not folder.is_dir():
        raise LookupError("No JavaScript tools. `make test` fetches them; by hand: npm ci --prefix tests/js --ignore-scripts")
    return folder


def anvil() -> str:
    """The program: ANVIL=, then the packages'."""
    if named := os.environ.get("ANVIL"):
        return named
    found = next(iter(sorted(modules().glob("@foundry-rs/anvil-*/bin/anvil"))), None)
    if found is None:
        raise LookupError("No anvil for this platform among the packages: install Foundry and set ANVIL=/path/anvil.")
    return str(found)


def esbuild() -> str:
    found = next(iter(sorted(modules().glob("@esbuild/*/bin/esbuild"))), None)
    if found is None:
        raise LookupError("No esbuild for this platform among the packages of tests/js.")
    return str(found)
