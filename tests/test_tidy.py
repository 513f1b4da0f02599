"""What is easy to forget, held for the whole tree."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from django.utils.module_loading import import_string

from pictor.celery import SWEEPS, app
from pictor.routing import TOPICS
from pictor.work_kinds import WORK_KINDS
from workers.kinds import WorkKind

ROOT = Path(__file__).parent.parent
APPS = ["pictor", "leaderboard", "rewards", "checkers", "rendering", "renting", "workers", "credit", "users", "common"]
TEMPLATES = ROOT / "templates"


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in path.parts]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def calls(path: Path):
    """(dotted name, line, has arguments) of every call in a file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno, bool(node.args or node.keywords)


class TimeTests:
    @pytest.mark.parametrize("folder", APPS)
    def test_every_moment_is_aware(self, folder):
        never = re.compile(r"\b(utcnow|utcfromtimestamp|date\.today|datetime\.today)$")
        found = [
            f"{path.relative_to(ROOT)}:{line} {name}"
            for path in python_files(folder)
            for name, line, has_zone in calls(path)
            if never.search(name) or (name.endswith("datetime.now") and not has_zone)
        ]
        assert found == []

    def test_the_clock_is_read_in_one_place(self):
        allowed = {Path("common/clock.py")}
        found = [
            f"{path.relative_to(ROOT)}:{line}"
            for path in python_files(*APPS)
            for name, line, _ in calls(path)
            if name == "timezone.now" and path.relative_to(ROOT) not in allowed
        ]
        assert found == []


class MoneyTests:
    def test_the_ledger_knows_no_fractions(self):
        found = []
        for path in [*python_files("credit"), ROOT / "common/money.py"]:
            for node in ast.walk(tree(path)):
                is_float = isinstance(node, ast.Constant) and isinstance(node.value, float)
                is_name = isinstance(node, ast.Name) and node.id in {"float", "Decimal"}
                is_division = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
                if is_float or is_name or is_division:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}")
        assert found == []

    def test_every_column_of_money_is_a_whole_number_of_micros(self):
        from django.apps import apps
        from django.db.models import BigIntegerField, DecimalField

        fields = [field for model in apps.get_models() for field in model._meta.fields]
        assert [f for f in fields if f.name.endswith("_micros") and not isinstance(f, BigIntegerField)] == []
        assert [
            f for f in fields if isinstance(f, DecimalField) and f.decimal_places
        ] == []  # whole numbers of chains are wider


class StatusTests:
    def test_nobody_assigns_a_status(self):
        found = []
        for path in python_files(*APPS):
            for node in ast.walk(tree(path)):
                targets = node.targets if isinstance(node, ast.Assign) else []
                for target in targets:
                    if isinstance(target, ast.Attribute) and target.attr == "status" and path.name != "transitions.py":
                        found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
        assert found == []


class SweepTests:
    def test_every_scheduled_function_exists(self):
        app.loader.import_default_modules()
        assert [function for function, _ in SWEEPS.values() if function not in app.tasks] == []

    def test_every_sweep_is_scheduled(self):
        written = {
            f"{path.parent.name}.background.{node.name}"
            for path in ROOT.glob("*/background.py")
            for node in tree(path).body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("sweep_")
        }
        assert written <= {function for function, _ in SWEEPS.values()}

    def test_every_kind_of_work_has_its_handler(self):
        """Whole: an agent may ask any of them anything, a commitment to a frame as well."""
        assert all(WorkKind in import_string(handler).__mro__ for handler in WORK_KINDS.values())


class TemplateTests:
    @pytest.mark.parametrize(
        "path", sorted(TEMPLATES.glob("components/*.html")) + sorted(TEMPLATES.glob("layouts/*.html")), ids=lambda p: p.name
    )
    def test_it_opens_with_what_it_needs(self, path):
        header = re.match(r"(\{% extends [^%]+%\}\s*)?\{% comment %\}(.+?)\{% endcomment %\}", path.read_text(), re.DOTALL)
        assert header, "no header comment"
        assert "Context:" in header[2]
        assert "Blocks:" in header[2]

    @pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda p: str(p.relative_to(TEMPLATES)))
    def test_it_obeys_the_content_policy_and_leaks_no_context(self, path):
        text = re.sub(r"\{% comment %\}.*?\{% endcomment %\}|\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
        assert not re.search(r"\sstyle=", text), "inline style"
        assert not re.search(r"\son[a-z]+=\"", text), "inline handler"
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text), "inline script"
        assert "|safe" not in text, "unescaped"
        for include in re.findall(r"\{% include [^%]*components/[^%]*%\}", text):
            assert " only %}" in include, include

    def test_every_live_element_names_a_topic_that_has_a_rule(self):
        for path in TEMPLATES.rglob("*.html"):
            for tag in re.findall(r"<[^<>]*(?:<[^<>]*>)?[^<>]*data-live=[^>]*", path.read_text()):
                kind = re.search(r'data-live="([a-z]+):', tag)
                assert kind, tag
                assert kind[1] in TOPICS, tag


class SettingsTests:
    def test_every_variable_is_documented_and_none_is_forgotten(self):
        read = set()
        for path in [ROOT / "pictor/settings.py", ROOT / "pictor/logs.py", ROOT / "pictor/stores.py"]:
            text = path.read_text()
            read |= set(re.findall(r'env\.[a-z]+\(\s*"([A-Z0-9_]+)"', text))
            read |= {name for names in re.findall(r"env\.together\((.+)\)", text) for name in re.findall(r'"(\w+)"', names)}
        documented = set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
        assert read - documented == set(), "not in .env.example"
