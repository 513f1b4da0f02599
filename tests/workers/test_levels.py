"""What each level asks for, and what a node is told that it lacks."""

from datetime import timedelta

import pytest

from workers.levels import DEMANDS, LABELS, TONES, Level, Standing, level_of, missing, next_after

TESTED = Standing(signed_on=True, sandboxed=True, has_blender=True, tried_itself=True)
VERIFIED = TESTED._replace(measured=True, hardware_age=timedelta(hours=72), up_hours=72, accepted=10, reliability_bp=9_000)
TRUSTED = VERIFIED._replace(hardware_age=timedelta(days=30), up_hours=240, accepted=300, reliability_bp=9_500)


class LevelTests:
    @pytest.mark.parametrize(
        ("standing", "level"),
        [
            (Standing(), Level.REGISTERED),
            (TESTED, Level.SELF_TESTED),
            (TESTED._replace(sandboxed=False), Level.REGISTERED),
            (TESTED._replace(has_blender=False), Level.REGISTERED),
            (TESTED._replace(tried_itself=False), Level.REGISTERED),
            (TESTED._replace(simulated=True), Level.REGISTERED),
            (VERIFIED, Level.VERIFIED),
            (VERIFIED._replace(hardware_age=timedelta(hours=71)), Level.SELF_TESTED),
            (VERIFIED._replace(up_hours=71.9), Level.SELF_TESTED),
            (VERIFIED._replace(measured=False), Level.SELF_TESTED),
            (VERIFIED._replace(accepted=9), Level.SELF_TESTED),
            (VERIFIED._replace(reliability_bp=8_999), Level.SELF_TESTED),
            (VERIFIED._replace(sandboxed=False), Level.REGISTERED),
            (TRUSTED, Level.TRUSTED),
            (TRUSTED._replace(hardware_age=timedelta(days=29)), Level.VERIFIED),
            (TRUSTED._replace(up_hours=239), Level.VERIFIED),
            (TRUSTED._replace(accepted=299), Level.VERIFIED),
            (TRUSTED._replace(reliability_bp=9_499), Level.VERIFIED),
            (TRUSTED._replace(simulated=True), Level.REGISTERED),
            (Standing(by_operator=True), Level.TRUSTED),
        ],
    )
    def test_each_rests_on_all_of_its_facts(self, standing, level):
        assert level_of(standing) == level

    def test_each_asks_for_more_than_the_one_below(self):
        assert all(map(lambda below, above: below < above, DEMANDS[Level.VERIFIED], DEMANDS[Level.TRUSTED]))

    def test_every_level_has_its_words_and_its_tone(self):
        assert list(LABELS) == list(TONES) == list(Level)
        assert [next_after(level) for level in Level] == [*list(Level)[1:], None]


class MissingTests:
    def test_nothing_is_missing_for_what_was_reached(self):
        assert (
            missing(Level.VERIFIED, VERIFIED)
            == missing(Level.SELF_TESTED, TESTED)
            == missing(Level.REGISTERED, Standing())
            == []
        )

    def test_it_is_said_with_how_far_the_node_is(self):
        half_way = TESTED._replace(hardware_age=timedelta(hours=40), up_hours=31.9, accepted=1, reliability_bp=8_912)
        assert missing(Level.VERIFIED, half_way) == [
            "a benchmark with this hardware that passes",
            "the same hardware for 3 days: since 40 hours so far",
            "72 hours online: 31 so far",
            "10 tasks accepted: 1 so far",
            "a reliability of 90 %: it stands at 89.12 %",
        ]

    def test_before_the_first_sign_on_only_that_is_asked_for(self):
        assert missing(Level.SELF_TESTED, Standing()) == ["its agent signs on for the first time"]
