"""Limits with a margin: what stops a node must get better before it goes on."""

import pytest

from pictor_agent import protocol
from pictor_agent.restraint import REST_SECONDS, Look, Restraint

GIB = 1 << 30


def gpu(celsius: float = 40, watts: float = 50) -> protocol.GpuSample:
    return protocol.GpuSample(index=0, temperature_celsius=celsius, power_watts=watts)


def reasons(limits: dict, looks: list[Look]) -> list[str]:
    restraint = Restraint(protocol.Limits(at=1, **limits))
    found = []
    for look in looks:
        restraint.look(look)
        found.append(restraint.resting)
    return found


LATER = REST_SECONDS + 1


class RestraintTests:
    def test_without_limits_nothing_stops_it(self):
        assert reasons({}, [Look(0, [gpu(99, 999)], unused_seconds=0)]) == [""]

    def test_a_hot_card_stops_it_until_it_is_cooler_by_a_margin(self):
        looks = [(0, 79), (5, 80), (10, 70), (LATER + 5, 73), (LATER + 10, 72), (LATER + 15, 79)]
        found = reasons({"celsius_max": 80}, [Look(at, [gpu(celsius)]) for at, celsius in looks])
        assert found == ["", "too_hot", "too_hot", "too_hot", "", ""]

    def test_the_hottest_card_decides(self):
        assert reasons({"celsius_max": 80}, [Look(0, [gpu(50), gpu(85)])]) == ["too_hot"]

    def test_power_falls_at_once_so_it_rests_a_while(self):
        looks = [(0, 300), (5, 20), (REST_SECONDS - 1, 20), (REST_SECONDS + 1, 20)]
        found = reasons({"watts_max": 250}, [Look(at, [gpu(watts=watts)]) for at, watts in looks])
        assert found == ["too_much_power", "too_much_power", "too_much_power", ""]

    def test_a_limit_that_is_lifted_stops_nothing_any_more(self):
        restraint = Restraint(protocol.Limits(at=1, celsius_max=80))
        restraint.look(Look(0, [gpu(90)]))
        restraint.limits = protocol.Limits(at=2)
        assert restraint.look(Look(1, [gpu(90)]))
        assert restraint.resting == ""

    @pytest.mark.parametrize(("unused_seconds", "reason"), [(0, "in_use"), (299, "in_use"), (300, ""), (None, "")])
    def test_it_waits_until_nobody_uses_the_machine(self, unused_seconds, reason):
        assert reasons({"idle_seconds": 300}, [Look(0, unused_seconds=unused_seconds)]) == [reason]

    def test_a_full_disk_stops_it_whatever_the_owner_allows(self):
        looks = [Look(0, disk_free_bytes=1 * GIB), Look(5, disk_free_bytes=3 * GIB), Look(10, disk_free_bytes=4 * GIB)]
        assert reasons({}, looks) == ["disk_full", "disk_full", ""]

    def test_one_reason_may_follow_another(self):
        looks = [Look(0, [gpu(90)], unused_seconds=0), Look(LATER, [gpu(40)], unused_seconds=0)]
        assert reasons({"celsius_max": 80, "idle_seconds": 60}, looks) == ["too_hot", "in_use"]

    def test_it_says_when_something_changed(self):
        restraint = Restraint(protocol.Limits(at=1, celsius_max=80))
        assert [restraint.look(Look(at, [gpu(celsius)])) for at, celsius in ((0, 40), (1, 90), (2, 91))] == [False, True, False]

    def test_every_reason_is_one_of_the_protocol(self):
        words = {"paused_here", "disk_full", "too_hot", "too_much_power", "in_use", ""}
        assert words == set(protocol.RestReason.__args__)

    def test_a_pause_goes_before_every_other_reason_and_leaves_none_behind(self):
        restraint = Restraint(protocol.Limits(at=1, celsius_max=80))
        found = []
        for at, celsius, paused in ((0, 90, False), (1, 90, True), (2, 75, True), (3, 75, False)):
            restraint.look(Look(at, [gpu(celsius)], paused=paused))
            found.append(restraint.resting)
        assert found == ["too_hot", "paused_here", "paused_here", ""]

    def test_after_a_pause_whatever_else_stops_it_does(self):
        restraint = Restraint(protocol.Limits(at=1, celsius_max=80))
        restraint.look(Look(0, [gpu(90)], paused=True))
        assert restraint.look(Look(1, [gpu(90)]))
        assert restraint.resting == "too_hot"
