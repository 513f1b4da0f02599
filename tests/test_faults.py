"""docs/faults.md tells no tales: every row has a test, and every test that it names exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "faults.md").read_text())))
ROWS = [line for line in (ROOT / "docs" / "faults.md").read_text().splitlines() if line.startswith("|")]


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_that_the_table_names_exists(file, name):
    assert re.search(rf"^\s*(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE)


def test_every_row_has_a_test():
    rows = [row for row in ROWS if "---" not in row and not row.startswith("| fault")]
    assert [row for row in rows if "`tests/" not in row] == []
    assert all(row.count(" | ") == 4 for row in rows)
