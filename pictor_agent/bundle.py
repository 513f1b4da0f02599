"""The support bundle: one zip with what the doctor found, versions, the configuration and the last lines of the log, redacted."""

import importlib.metadata
import json
import platform
import sys
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

from pictor_agent import __version__, protocol
from pictor_agent.config import Config
from pictor_agent.findings import Finding
from pictor_agent.redaction import known_words, redact
from pictor_agent.terminal import LOG_NAME, LOG_OLD_NAME

PACKAGES = ("msgspec", "websockets", "httpx", "PyNaCl", "psutil", "nvidia-ml-py", "OpenImageIO", "numpy")
KEPT_FIELDS = ("fetch_blender", "allow_unsandboxed", "memory_bytes", "cache_bytes", "drain_seconds")


def write(target: Path, findings: list[Finding], config_path: Path | None, config: Config | None, state: Path | None) -> None:
    """Everything in it is redacted text; the configuration is written anew from the fields that tell nothing of anybody."""
    words = known_words() | _words_of(config, config_path)
    files = {
        "findings.json": json.dumps([finding.as_dict() for finding in findings], indent=2, ensure_ascii=False),
        "versions.json": json.dumps(_versions(), indent=2),
        "configuration.json": json.dumps({name: getattr(config, name) for name in KEPT_FIELDS} if config else {}, indent=2),
        "log.txt": _log(state),
    }
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, redact(text, words))


def _words_of(config: Config | None, path: Path | None) -> dict[str, str]:
    found = {str(path): "<configuration>"} if path else {}
    if config:
        host = urlsplit(config.server_url).hostname or ""
        found |= {config.token: "<secret>", config.uid: "<node>", config.name: "<node>", host: "<address>"}
    return found


def _versions() -> dict[str, str]:
    found = {"agent": __version__, "protocol": str(protocol.VERSION), "python": sys.version, "system": platform.platform()}
    return found | {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _log(state: Path | None) -> str:
    """The former file first."""
    places = [state / name for name in (LOG_OLD_NAME, LOG_NAME)] if state else []
    return "".join(place.read_text(errors="replace") for place in places if place.is_file())
