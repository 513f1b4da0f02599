"""Teams: whoever is named by an owner is asked, and counts once they said yes; nobody learns who has an account."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from common.transitions import StaleMove
from tests.workers.builders import NOW, team_up, user, worker
from tests.workers.test_settings_page import AS_IT_IS
from users import addresses, closing
from users.models import Notice
from workers import services, teams
from workers.models import Controls, Invitation, Worker
from workers.states import InvitationStatus

pytestmark = pytest.mark.django_db

ACCEPTED, DECLINED = InvitationStatus.ACCEPTED, InvitationStatus.DECLINED


@pytest.fixture
def node(wanda) -> Worker:
    return worker(owner=wanda)


@pytest.fixture
def name(signed_in, wanda, node):
    """Save these addresses as the team of the node; the page that follows."""

    def send(*emails: str, serves: str = "team_first", at: Worker = node):
        url = reverse("workers:worker-settings", args=[at.pk])
        return signed_in(wanda).post(url, AS_IT_IS | {"serves": serves, "team": "\n".join(emails)}, follow=True)

    return send


@pytest.fixture
def answer(signed_in):
    def send(person, verb: str, invitation: Invitation | None = None):
        pk = (invitation or Invitation.objects.get()).pk
        return signed_in(person).post(reverse(f"workers:team-{verb}", args=[pk]), follow=True)

    return send


def members(node: Worker) -> list[int]:
    return Controls.objects.get(worker=node).team_ids


def shown(answer) -> list[tuple[str, str]]:
    """What the owner's page says of each address."""
    return [(each.email, each.words) for each in answer.context["team"]]


class NamingTests:
    def test_whoever_is_named_counts_once_they_have_accepted(self, name, answer, node, alice):
        assert shown(name(alice.email)) == [(alice.email, "Invited")]
        assert members(node) == []
        assert "You are in the team" in answer(alice, "accept").text
        assert members(node) == [alice.pk]
        assert shown(name(alice.email)) == [(alice.email, "Accepted")]

    def test_one_yes_is_for_all_nodes_of_the_owner_that_name_the_address(self, name, answer, wanda, node, alice):
        second, silent = worker(owner=wanda), worker(owner=wanda)
        name(alice.email)
        answer(alice, "accept")
        name(alice.email, at=second)
        services.set_controls(silent, now=NOW, serves="team_first", team_emails=["somebody@example.net"])
        assert (members(node), members(second), members(silent)) == ([alice.pk], [alice.pk], [])

    def test_an_address_that_is_named_no_more_is_forgotten(self, name, answer, node, alice):
        name(alice.email)
        answer(alice, "accept")
        name(serves="alike")
        assert members(node) == []
        assert not Invitation.objects.exists()

    def test_so_many_are_named_on_all_nodes_together(self, name, wanda, monkeypatch):
        monkeypatch.setattr(teams, "NAMED_MAX", 2)
        second = worker(owner=wanda)
        name("a@example.net", "b@example.net")
        answered = name("b@example.net", "c@example.net", at=second)
        assert answered.status_code == 422
        assert "people on all of your nodes together" in answered.text
        assert not Controls.objects.filter(worker=second).exists()
        assert name("b@example.net", at=second).status_code == 200


class OracleTests:
    def test_an_address_that_is_nobody_s_is_answered_like_any_other(self, name, alice):
        known, unknown = name(alice.email), name("nobody@example.net")
        assert shown(known) == [(alice.email, "Invited")]
        assert shown(unknown) == [("nobody@example.net", "Invited")]
        assert "Saved." in known.text
        assert "Saved." in unknown.text

    def test_a_no_looks_like_silence(self, name, answer, alice):
        name(alice.email)
        answer(alice, "decline")
        assert shown(name(alice.email)) == [(alice.email, "Invited")]

    def test_the_new_address_of_a_member_is_their_own_business(self, name, answer, node, alice):
        old = alice.email
        name(old)
        answer(alice, "accept")
        addresses.take(user=alice, email="private@elsewhere.example", now=NOW)
        answered = name(old)
        assert shown(answered) == [(old, "Accepted")]
        assert "private@elsewhere.example" not in answered.text
        assert members(node) == [alice.pk]

    def test_whoever_proves_the_address_later_finds_the_invitation(self, name, answer, node, chen):
        name("later@example.net")
        addresses.take(user=chen, email="Later@example.net", now=NOW)
        answer(chen, "accept")
        assert members(node) == [chen.pk]


class AnswerTests:
    def test_the_page_says_who_asks_and_what_it_means(self, name, signed_in, wanda, alice):
        name(alice.email)
        text = signed_in(alice).get(reverse("workers:team-list")).text
        assert wanda.name in text
        assert "whether these are fast or slow" in text

    def test_nobody_else_may_answer(self, name, answer, node, mallory, alice, wanda):
        name(alice.email)
        assert answer(mallory, "accept").status_code == 404
        assert answer(wanda, "accept").status_code == 404
        answer(alice, "accept")
        assert answer(mallory, "decline").status_code == 404
        assert members(node) == [alice.pk]

    def test_the_answer_of_one_is_not_that_of_whoever_has_the_address_next(self, name, answer, alice, chen):
        old = alice.email
        name(old)
        answer(alice, "decline")
        addresses.take(user=alice, email="new@example.net", now=NOW)
        addresses.take(user=chen, email=old, now=NOW)
        assert answer(chen, "accept").status_code == 404

    def test_a_team_is_left_and_joined_again(self, name, answer, node, alice):
        name(alice.email)
        for verb, expected in (("accept", [alice.pk]), ("decline", []), ("accept", [alice.pk])):
            answer(alice, verb)
            assert members(node) == expected

    def test_an_answer_that_does_not_fit_any_more_is_explained(self, name, answer, alice):
        name(alice.email)
        answer(alice, "accept")
        assert "answered already" in answer(alice, "accept").text

    def test_an_answer_needs_the_form_of_the_page(self, name, node, alice):
        name(alice.email)
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(alice)
        url = reverse("workers:team-accept", args=[Invitation.objects.get().pk])
        assert browser.get(url).status_code == 405
        assert browser.post(url).status_code == 403
        assert members(node) == []

    def test_a_closed_account_is_in_no_team_and_has_none(self, node, wanda, alice):
        team_up(node, alice, serves="team_first")
        Invitation.objects.create(owner=alice, email="somebody@example.net", invited_at=NOW)
        closing.close(alice, NOW)
        assert members(node) == []
        assert not Invitation.objects.exists()


class NoticeTests:
    def told(self, person) -> int:
        return Notice.objects.filter(user=person, kind="team_invited").count()

    def test_the_person_is_told_without_what_the_owner_calls_themselves(self, name, wanda, alice):
        wanda.display_name = "Your account is locked: evil.example"
        wanda.save()
        name(alice.email)
        notice = Notice.objects.get(user=alice, kind="team_invited")
        assert "evil.example" not in notice.words + notice.text
        assert notice.url == reverse("workers:team-list")

    def test_naming_them_again_and_again_tells_them_once(self, name, alice):
        for _ in range(3):
            name(alice.email)
            name(serves="alike")
        assert self.told(alice) == 1

    def test_many_owners_together_tell_them_a_few_times(self, alice):
        for _ in range(teams.TOLD_A_DAY_MAX + 2):
            services.set_controls(worker(owner=user()), now=NOW, serves="team_first", team_emails=[alice.email])
        assert self.told(alice) == teams.TOLD_A_DAY_MAX
        assert len(services.invitations_of(alice)) == teams.TOLD_A_DAY_MAX + 2

    def test_a_no_is_remembered_when_the_address_is_taken_out_and_named_again(self, name, answer, node, alice):
        name(alice.email)
        answer(alice, "decline")
        name(serves="alike")
        name(alice.email)
        assert Invitation.objects.get().status == DECLINED


@pytest.mark.django_db(transaction=True)
class RaceTests:
    def together(self, *verbs) -> list[Exception]:
        """Each in a thread of its own, at once; what they raised."""
        start, raised = Barrier(len(verbs)), []

        def run(verb):
            start.wait()
            try:
                verb()
            except Exception as error:
                raised.append(error)
            finally:
                connection.close()

        threads = [Thread(target=run, args=[verb]) for verb in verbs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return raised

    def test_of_two_answers_one_wins(self, wanda, alice):
        node = worker(owner=wanda)
        services.set_controls(node, now=NOW, serves="team_first", team_emails=[alice.email])
        rows = [Invitation.objects.get(), Invitation.objects.get()]
        raised = self.together(
            *(
                lambda row=row, to=to: services.answer_invitation(row, person=alice, to=to, now=NOW)
                for row, to in zip(rows, (ACCEPTED, DECLINED), strict=True)
            )
        )
        assert [type(error) for error in raised] == [StaleMove]
        assert members(node) == ([alice.pk] if Invitation.objects.get().status == ACCEPTED else [])

    def test_settings_that_are_saved_meanwhile_lose_no_answer(self, wanda, alice):
        node = worker(owner=wanda)
        services.set_controls(node, now=NOW, serves="team_first", team_emails=[alice.email])
        for number in range(10):
            row = Invitation.objects.get()
            to = DECLINED if row.status == ACCEPTED else ACCEPTED
            assert not self.together(
                lambda row=row, to=to: services.answer_invitation(row, person=alice, to=to, now=NOW),
                lambda number=number: services.set_controls(node, now=NOW + timedelta(hours=number), idle_minutes=number + 1),
            )
            assert members(node) == ([alice.pk] if to == ACCEPTED else [])
