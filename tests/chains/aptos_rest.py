"""Aptos's REST specification, as far as tests/aptos_node.py answers: are its answers what the specification says?

aptos_rest.json is the part of Aptos Labs' "Aptos Node API" 1.2.0 (Apache-2.0) that these paths need. `python -m
tests.chains.aptos_rest SPEC.yaml` makes it again from the whole file.
"""

import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

PART = Path(__file__).parent / "aptos_rest.json"
WHOLE = Path(__file__).parents[3] / "shared" / "vectors" / "aptos_rest_spec.yaml"
ANSWERED = {
    "/": "get",
    "/accounts/{address}": "get",
    "/accounts/{address}/resources": "get",
    "/accounts/{address}/resource/{resource_type}": "get",
    "/accounts/{address}/balance/{asset_type}": "get",
    "/accounts/{address}/transactions": "get",
    "/transactions": "get post",
    "/transactions/by_hash/{txn_hash}": "get",
    "/transactions/by_version/{txn_version}": "get",
    "/transactions/simulate": "post",
    "/estimate_gas_price": "get",
    "/view": "post",
}


def part_of(whole: dict) -> dict:
    """The schemas of the answers at those paths, and everything that they refer to."""
    answers = {
        f"{method} {path}": {status: schema_of(said) for status, said in whole["paths"][path][method]["responses"].items()}
        for path, methods in ANSWERED.items()
        for method in methods.split()
    }
    schemas, wanted = {}, list(references(answers))
    while wanted:
        name = wanted.pop()
        if name not in schemas:
            schemas[name] = whole["components"]["schemas"][name]
            wanted += references(schemas[name])
    return {"info": whole["info"], "answers": bare(answers), "components": {"schemas": bare(dict(sorted(schemas.items())))}}


def schema_of(said: dict) -> dict:
    return said["content"]["application/json"]["schema"]


def references(tree) -> Iterator[str]:
    for name, value in pairs(tree):
        if name == "$ref":
            yield value.rpartition("/")[2]
        else:
            yield from references(value)


def pairs(tree) -> list[tuple[object, object]]:
    if isinstance(tree, dict):
        return list(tree.items())
    return list(enumerate(tree)) if isinstance(tree, list) else []


def bare(tree):
    """Without prose: descriptions, examples, and words that only a generator reads."""
    if isinstance(tree, list):
        return [bare(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    return {name: bare(value) for name, value in tree.items() if not is_prose(name, value)}


def is_prose(name: str, value: object) -> bool:
    return name in {"example", "discriminator"} or (name == "description" and isinstance(value, str))


def relaxed(tree):
    """Real nodes say null for members that the specification merely leaves out: optional ones may be null."""
    if isinstance(tree, list):
        return [relaxed(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    made = {name: relaxed(value) for name, value in tree.items()}
    for name, schema in made.get("properties", {}).items():
        if name not in made.get("required", []):
            made["properties"][name] = {"anyOf": [schema, {"type": "null"}]}
    return made


@cache
def validators() -> dict[tuple[str, str], Draft202012Validator]:
    part = relaxed(json.loads(PART.read_text()))
    return {
        (asked, status): Draft202012Validator({**schema, "components": part["components"]})
        for asked, answers in part["answers"].items()
        for status, schema in answers.items()
    }


def operation_of(method: str, path: str) -> str:
    """ "get /accounts/{address}" for a request; KeyError where the specification has none."""
    bare_path = path.partition("?")[0].removeprefix("/v1").rstrip("/") or "/"
    for template, methods in ANSWERED.items():
        pattern = re.sub(r"\{resource_type\}|\{asset_type\}", ".+", template)
        if method.lower() in methods.split() and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), bare_path):
            return f"{method.lower()} {template}"
    raise KeyError(f"{method} {path}")


def deviations(method: str, path: str, status: int, body: object) -> list[str]:
    """Where an answer is not what the specification says; empty when it is."""
    validator = validators().get((operation_of(method, path), str(status)))
    if validator is None:
        return [f"{method} {path}: status {status} is not in the specification"]
    return [f"{method} {path} {status} {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)]


if __name__ == "__main__":
    PART.write_text(json.dumps(part_of(yaml.safe_load(Path(sys.argv[1]).read_text())), indent=1) + "\n")
