"""What every story begins with."""

import pytest

from tests.stories.creator import Creator


@pytest.fixture
def creator(stack) -> Creator:
    return Creator(stack)
