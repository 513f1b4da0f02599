"""How a node stands, in words: what matters most comes first."""

import pytest

from pictor_agent import protocol
from pictor_agent.status import Status, Task, credits_words, headline

RUNS, FOLLOWS = Task("frame 1 of a.blend", "sample 1 of 4", 0.25), Task("frame 2 of a.blend", "next", is_next=True)
ON = {"is_connected": True}


@pytest.mark.parametrize(
    ("status", "badge", "words"),
    [
        ({}, "Connecting", "It signs on."),
        ({"problem": "No connection to ws://x: refused"}, "No connection", "No connection to ws://x: refused. It tries again"),
        (ON, "Idle", "it waits for work"),
        (ON | {"sending": 1}, "Sending", "on its way"),
        (ON | {"tasks": [RUNS, FOLLOWS]}, "Rendering", "at work"),
        (ON | {"tasks": [FOLLOWS]}, "Idle", "it waits for work"),
        (ON | {"resting": "too_hot"}, "Resting", "a GPU is at your limit of temperature"),
        (ON | {"resting": "too_hot", "tasks": [RUNS]}, "Resting", "It finishes what it renders and then rests"),
        (ON | {"resting": "a_reason_of_tomorrow"}, "Resting", "for a reason of its own"),
        (ON | {"is_paused": True}, "Paused", "when you resume it here"),
        ({"is_paused": True, "problem": "No connection"}, "Paused", "when you resume it here"),
        (ON | {"is_paused": True, "tasks": [RUNS]}, "Pausing after this task", "which is paid"),
        (ON | {"is_draining": True, "is_paused": True, "tasks": [RUNS]}, "Finishing", "then the agent stops"),
    ],
)
def test_the_headline_says_what_matters_most(status, badge, words):
    said = headline(Status(**status))
    assert said.badge == badge
    assert words in said.words


def test_a_node_that_the_site_holds_back_says_what_the_site_says():
    site = protocol.Overview(stands="Paused", why="Paused by its owner.", is_open=False)
    said = headline(Status(is_connected=True, overview=site))
    assert (said.badge, said.words) == ("Paused", "Paused by its owner. This is changed on its page on the site.")


def test_an_idle_node_says_why_as_the_site_does():
    site = protocol.Overview(stands="Online, idle", why="No work is waiting.")
    assert headline(Status(is_connected=True, overview=site)).words == "No work is waiting."


@pytest.mark.parametrize(
    ("micros", "words"),
    [(0, "0.00"), (1_200_000, "1.20"), (1_234_567, "1.234567"), (-5, "-0.000005"), (98_765_000_000, "98,765.00")],
)
def test_credits_show_every_digit_that_counts(micros, words):
    assert credits_words(micros) == words
