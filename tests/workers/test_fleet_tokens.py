"""Fleet tokens: what makes nodes and what no longer does, at most as many as allowed, and the page of their owner."""

import tomllib
from datetime import timedelta

import pytest
from django.urls import reverse
from nacl.signing import SigningKey

from common import clock
from tests.overlap import overlapped
from tests.workers import builders
from tests.workers.builders import NOW
from tests.workers.scripted import ScriptedNode, db, until
from tests.workers.test_races import race
from users.signals import account_closed
from workers import fleet_tokens, nodes, services, switchboard
from workers.models import FleetToken, Worker
from workers.services import Refusal


def made(owner, *, nodes_max: int = 2, name_prefix: str = "rack", days: int = 7, now=NOW) -> dict:
    text = services.new_fleet_token(owner, name_prefix=name_prefix, nodes_max=nodes_max, days=days, now=now)
    return tomllib.loads(text)


def come(config: dict, key: bytes, *, token: str | None = None, now=NOW):
    token = config["token"] if token is None else token
    return services.admit(uid=config["fleet"], public_key=key, token=token, gateway_id="g", now=now)


def key_of(number: int) -> bytes:
    return bytes([number]) * 32


@pytest.mark.django_db
class JoinTests:
    def test_each_machine_becomes_a_node_of_its_own(self, wanda):
        config = made(wanda)
        names = [come(config, key_of(number)).name for number in (1, 2)]
        assert names == ["rack-1", "rack-2"]
        assert [bytes(node.public_key) for node in Worker.objects.owned_by(wanda)] == [key_of(1), key_of(2)]

    def test_a_machine_that_comes_again_is_the_same_node_and_needs_no_token(self, wanda):
        config = made(wanda, nodes_max=1)
        first = come(config, key_of(1))
        services.revoke_fleet_token(FleetToken.objects.get(), now=NOW)
        again = come(config, key_of(1), token="", now=NOW + timedelta(days=99))
        assert (again.worker_id, again.epoch) == (first.worker_id, first.epoch + 1)
        assert FleetToken.objects.get().used == 1

    @pytest.mark.parametrize("why", ["used up", "revoked", "too old", "another token", "no token", "owner gone", "unknown"])
    def test_what_no_longer_makes_nodes(self, wanda, why):
        config, now = made(wanda, nodes_max=1), NOW
        if why == "used up":
            come(config, key_of(9))
        if why == "revoked":
            services.revoke_fleet_token(FleetToken.objects.get(), now=NOW)
        if why == "too old":
            now += timedelta(days=7)
        if why in {"another token", "no token"}:
            config["token"] = "" if why == "no token" else made(wanda)["token"]
        if why == "owner gone":
            wanda.is_active = False
            wanda.save()
        if why == "unknown":
            config["fleet"] = "f_nobody"
        before = Worker.objects.count()
        with pytest.raises(Refusal) as refused:
            come(config, key_of(1), now=now)
        assert (refused.value.code, Worker.objects.count()) == ("bad_token", before)

    def test_a_key_of_another_node_is_not_taken_over(self, wanda):
        builders.worker(owner=wanda, public_key=key_of(1))
        with pytest.raises(Refusal, match="belongs to another node"):
            come(made(wanda), key_of(1))
        assert FleetToken.objects.get().used == 0

    def test_a_machine_that_comes_with_the_next_token_of_its_owner_stays_the_node_that_it_is(self, wanda):
        first = come(made(wanda), key_of(1))
        following = made(wanda)
        assert come(following, key_of(1)).worker_id == first.worker_id
        assert list(FleetToken.objects.order_by("pk").values_list("used", flat=True)) == [1, 0]

    def test_with_a_token_of_somebody_else_it_does_not(self, wanda, mallory):
        come(made(wanda), key_of(1))
        with pytest.raises(Refusal, match="belongs to another node"):
            come(made(mallory), key_of(1))

    def test_files_of_one_owner_name_them_alike_and_others_otherwise(self, wanda, mallory):
        names = [made(owner)["fleet_owner"] for owner in (wanda, wanda, mallory)]
        assert names[0] == names[1] != names[2]

    def test_a_name_that_is_taken_gets_some_letters_more(self, wanda):
        builders.worker(owner=wanda, name="rack-1")
        assert come(made(wanda), key_of(1)).name.startswith("rack-1-")

    def test_a_retired_node_does_not_come_back_by_it(self, wanda):
        config = made(wanda)
        admission = come(config, key_of(1))
        services.retire_worker(Worker.objects.get(pk=admission.worker_id), now=NOW)
        with pytest.raises(Refusal, match="retired"):
            come(config, key_of(1))

    def test_only_its_hash_is_kept(self, wanda):
        assert made(wanda)["token"] not in str(list(FleetToken.objects.values()))

    def test_an_account_that_closes_takes_its_tokens_along(self, wanda):
        made(wanda)
        account_closed.send(None, user=wanda, now=NOW)
        assert FleetToken.objects.get().revoked_at is not None


@pytest.mark.django_db(transaction=True)
class RaceTests:
    """Fails without `used__lt` in workers.fleet_tokens._use."""

    def test_many_machines_at_once_make_as_many_nodes_as_allowed(self):
        owner = builders.user()
        config = made(owner, nodes_max=3)
        outcomes = race(*[lambda n=number: come(config, key_of(n)) for number in range(1, 9)])
        refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert {type(outcome) for outcome in refused} == {Refusal}
        assert (len(refused), Worker.objects.owned_by(owner).count(), FleetToken.objects.get().used) == (5, 3, 3)

    def test_the_last_token_that_an_owner_may_have_is_made_once(self, monkeypatch):
        """Fails without teams.lock in workers.fleet_tokens.new_fleet_token."""
        owner = builders.user()
        monkeypatch.setattr(fleet_tokens, "LIVING_MAX", 1)
        second = overlapped(lambda: made(owner), lambda: made(owner))
        assert isinstance(second, fleet_tokens.TooManyFleetTokens)
        assert FleetToken.objects.count() == 1

    def test_the_last_node_that_an_owner_may_have_is_made_once(self, monkeypatch):
        """Fails without teams.lock in workers.nodes.create_worker."""
        owner = builders.user()
        monkeypatch.setattr(nodes, "NODES_PER_OWNER_MAX", 1)
        second = overlapped(*[lambda n=name: services.create_worker(owner, n, now=NOW) for name in ("left", "right")])
        assert isinstance(second, services.TooManyNodes)
        assert Worker.objects.count() == 1

    def test_one_machine_that_comes_twice_at_once_is_one_node_and_one_use(self):
        owner = builders.user()
        config = made(owner, nodes_max=10)
        race(*[lambda: come(config, key_of(1))] * 6)
        come(config, key_of(1))
        assert (Worker.objects.owned_by(owner).count(), FleetToken.objects.get().used) == (1, 1)


@pytest.mark.django_db(transaction=True)
class SocketTests:
    async def test_a_machine_signs_on_with_the_file_and_later_with_its_key_alone(self):
        owner = await db(builders.user)
        config = await db(lambda: made(owner, now=clock.now()))
        key = SigningKey.generate()
        for token in (config["token"], ""):
            node = ScriptedNode(config["fleet"], key=key, token=token)
            assert (await node.sign_on()).worker_name == "rack-1"
            assert await until(lambda: Worker.objects.filter(owner=owner, status="online").count()) == 1
            await node.close()
        await switchboard.current().stop()


@pytest.mark.django_db
class PageTests:
    def make(self, browser, **fields):
        return browser.post(reverse("workers:fleet-tokens"), {"name_prefix": "rack", "nodes_max": 5, "days": 7} | fields)

    def test_the_file_is_shown_once_and_never_again(self, signed_in, wanda):
        browser = signed_in(wanda)
        answer = self.make(browser)
        assert answer.status_code == 200
        assert f"fleet = &quot;{FleetToken.objects.get().uid}&quot;" in answer.text
        assert "no-store" in answer["Cache-Control"]
        again = browser.get(reverse("workers:fleet-tokens"))
        assert "fleet-file" not in again.text
        assert "0 of 5 nodes" in again.text

    @pytest.mark.parametrize("fields", [{"nodes_max": 0}, {"nodes_max": 101}, {"days": 0}, {"days": 91}, {"name_prefix": " "}])
    def test_what_is_out_of_bounds_makes_none(self, signed_in, wanda, fields):
        assert self.make(signed_in(wanda), **fields).status_code == 422
        assert not FleetToken.objects.exists()

    def test_its_owner_revokes_it_and_nobody_else(self, signed_in, wanda, mallory):
        self.make(signed_in(wanda))
        url = reverse("workers:fleet-token-revoke", args=[FleetToken.objects.get().pk])
        assert signed_in(mallory).post(url).status_code == 404
        assert "Revoked" in signed_in(wanda).post(url, follow=True).text
        assert FleetToken.objects.get().revoked_at is not None

    def test_the_list_shows_own_tokens_alone(self, signed_in, wanda, mallory):
        self.make(signed_in(wanda))
        assert "0 of 5 nodes" not in signed_in(mallory).get(reverse("workers:fleet-tokens")).text

    def test_making_them_all_day_is_too_often(self, signed_in, wanda):
        browser = signed_in(wanda)
        assert [self.make(browser).status_code for _ in range(21)][-1] == 429
