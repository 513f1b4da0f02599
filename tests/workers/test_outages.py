"""Times in which the network itself was away: how they are noticed, and that they count for nobody."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.builders import NOW, worker
from workers import outages, services
from workers.models import Gateway, Outage, Shift

MINUTE = timedelta(minutes=1)
SINCE, UNTIL = NOW - 5 * MINUTE, NOW


def at(minutes: float):
    return NOW + minutes * MINUTE


def online(*, until=None, owner=None, level="verified"):
    node = worker(level=level, **({"owner": owner} if owner else {}))
    Shift.objects.create(worker=node, epoch=1, started_at=at(-100), ended_at=until)
    return node


class WithoutTests:
    @pytest.mark.parametrize(
        ("gaps", "left"),
        [
            ([], [(0, 10)]),
            ([(2, 4)], [(0, 2), (4, 10)]),
            ([(-5, 3), (1, 2)], [(3, 10)]),  # one within another
            ([(-5, 2), (1, 4), (8, 20)], [(4, 8)]),
            ([(6, None)], [(0, 6)]),
            ([(-5, None)], []),
            ([(0, 10)], []),
        ],
    )
    def test_gaps_are_cut_out(self, gaps, left):
        gaps = [(at(begins), None if ends is None else at(ends)) for begins, ends in gaps]
        assert outages.without((at(0), at(10)), gaps) == [(at(begins), at(ends)) for begins, ends in left]

    @given(st.lists(st.tuples(st.integers(-20, 30), st.integers(0, 20))))
    def test_every_minute_is_in_a_gap_or_counts(self, drawn):
        gaps = sorted((begins, begins + length) for begins, length in drawn)
        left = outages.without((at(0), at(10)), [(at(begins), at(ends)) for begins, ends in gaps])
        for minute in range(10):
            counts = any(begins <= at(minute) < ends for begins, ends in left)
            assert counts != any(begins <= minute < ends for begins, ends in gaps)


@pytest.mark.django_db
class GatewayTests:
    def test_a_gateway_that_died_was_away_since_its_last_sign_of_life(self):
        services.renew_gateway("dead", now=at(-3))
        services.renew_gateway("alive", now=NOW)
        services.lose_dead_gateways(now=NOW)
        row = Outage.objects.get()
        assert (row.began_at, row.ended_at) == (at(-3), NOW + outages.RETURN)
        assert list(Gateway.objects.values_list("id", flat=True)) == ["alive"]

    def test_while_a_gateway_is_silent_the_network_may_be_away(self):
        services.renew_gateway("quiet", now=NOW)
        assert not outages.may_be_away(NOW + timedelta(seconds=9))
        assert outages.may_be_away(NOW + timedelta(seconds=11))

    def test_leases_that_run_out_after_an_outage_were_lost_in_it(self):
        outages.note(at(-10), at(-5), "a gateway died")
        assert outages.forgiven([(7, at(-11)), (7, at(-4.5)), (7, NOW)]) == {(7, at(-4.5))}


@pytest.mark.django_db
class LineTests:
    def test_most_nodes_of_several_owners_do_not_vanish_by_themselves(self):
        for _ in range(3):
            online(until=at(-2))
        online()
        outages.watch_line(SINCE, UNTIL)
        assert Outage.objects.get().ended_at is None
        assert outages.counted(SINCE, UNTIL) == []

    def test_the_nodes_of_two_owners_may(self, wanda, alice):
        for owner in (wanda, wanda, wanda, alice):
            online(until=at(-2), owner=owner)
        outages.watch_line(SINCE, UNTIL)
        assert not Outage.objects.exists()

    def test_nodes_that_nobody_knows_make_no_outage(self):
        """However many accounts somebody makes, and however many machines they switch off at once."""
        for _ in range(9):
            online(until=at(-2), level="self_tested")
        [online() for _ in range(2)]
        outages.watch_line(SINCE, UNTIL)
        assert not Outage.objects.exists()

    def test_nodes_that_are_back_are_not_lost(self):
        for _ in range(4):
            node = online(until=at(-3))
            Shift.objects.create(worker=node, epoch=2, started_at=at(-2))
        outages.watch_line(SINCE, UNTIL)
        assert not Outage.objects.exists()

    def test_only_the_nodes_that_it_took_are_forgiven_what_they_lost(self):
        taken = [online(until=at(-2)) for _ in range(4)]
        stayed = online()
        outages.watch_line(SINCE, UNTIL)
        lost = [(node.pk, NOW) for node in [*taken, stayed]]
        assert outages.forgiven(lost) == set(lost[:4])

    def test_half_of_the_nodes_may(self):
        for until in [at(-2)] * 3 + [None] * 3:
            online(until=until)
        outages.watch_line(SINCE, UNTIL)
        assert not Outage.objects.exists()

    def test_it_is_over_when_half_of_them_are_back(self):
        nodes = [online(until=at(-2)) for _ in range(4)]
        outages.watch_line(SINCE, UNTIL)
        services.sign_off(nodes[0].pk, epoch=1, now=NOW, clean=False)
        for node in nodes[1:3]:
            services.sign_off(node.pk, epoch=1, now=NOW, clean=False)
        outages.watch_line(UNTIL, at(5))
        assert Outage.objects.get().ended_at is None
        type(nodes[0]).objects.filter(pk=nodes[0].pk).update(connected_at=NOW)
        outages.watch_line(at(5), at(10))
        assert Outage.objects.get().ended_at == at(10)

    def test_it_does_not_go_on_for_ever(self):
        for node in [online(until=at(-2)) for _ in range(4)]:
            services.sign_off(node.pk, epoch=1, now=NOW, clean=False)
        outages.watch_line(SINCE, UNTIL)
        outages.watch_line(NOW + timedelta(hours=25), NOW + timedelta(hours=25, minutes=5))
        assert Outage.objects.get().ended_at is not None
