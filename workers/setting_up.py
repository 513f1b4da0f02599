"""A node from its name to the first picture: how far it is, and what to do next. The steps are the agent's own list."""

from django.db import transaction

from common.words import one_line
from pictor_agent import checklist, protocol
from workers import agent_wheel, enrolments, events, installing
from workers.look import Look
from workers.models import SelfTest, Worker
from workers.states import WorkerStatus


@transaction.atomic
def note_self_test(worker_id: int, *, epoch: int, said: protocol.SelfTested) -> None:
    """Keep what a node says of its trial of itself; nothing is written, and no page told, when it said so before."""
    worker = Worker.objects.filter(pk=worker_id, connection_epoch=epoch).first()
    if worker is None:
        return
    row = {
        "blender_versions": [one_line(version) for version in said.blender_versions],
        "blender_problem": one_line(said.blender_problem),
    }
    if said.passed is not None:  # an agent that was only just started knows less than we do
        row |= {"passed": said.passed, "words": one_line(said.words)}
    if not SelfTest.objects.filter(worker=worker, **row).exists():
        SelfTest.objects.update_or_create(worker=worker, defaults=row)
        events.announce_status(worker)


def setup_part(look: Look) -> dict:
    """The steps, while any of them is to be done; of a node that renders, that it is set up."""
    worker = look.worker
    tested = getattr(worker, "self_test", None)
    if _is_set_up(look, tested):
        return {"worker": worker, "setting_up": False}
    fresh = None if worker.public_key else enrolments.usable_enrolment(worker, now=look.now)
    all_steps = [*_code_step(worker, fresh), *checklist.steps(seen(worker, tested), run_command="pictor-agent run")]
    code = enrolments.join_code(fresh) if fresh else ""
    return {
        "worker": worker,
        "setting_up": True,
        "has_key": worker.public_key is not None,
        "steps": all_steps,
        "next_step": checklist.next_step(all_steps),
        "enrolment": fresh,
        "config_name": config_name(worker),
        "join_command": _join_command(code) if code else "",
    }


def _join_command(code: str) -> str:
    """Empty where the server has no wheel: the page about installing, to which this one leads, says so."""
    try:
        return installing.join_command(code)
    except agent_wheel.NotBuilt:
        return ""


def _is_set_up(look: Look, tested: SelfTest | None) -> bool:
    """Its own test passed, or frames of it were accepted; an agent of before the tests is done with its key."""
    worker = look.worker
    if worker.status == WorkerStatus.RETIRED:
        return True
    if worker.public_key is None:
        return False
    if worker.protocol < protocol.SELF_TEST_SINCE or (tested and tested.passed):
        return True
    return any(tally.tasks_accepted for tally in look.tallies)


def _code_step(worker: Worker, fresh) -> list[checklist.Step]:
    """Only where there is nothing with which a machine could become this node."""
    if worker.public_key or fresh:
        return []
    action = "Make a new command: each works once, within 24 hours, and the last one is over."
    return [checklist.Step("A command that works", "open", action)]


def seen(worker: Worker, tested: SelfTest | None) -> checklist.Seen:
    """What the network knows of the node, as the checklist asks."""
    tested = tested or SelfTest()
    return checklist.Seen(
        signed_on=worker.connected_at is not None,
        ever=bool(worker.agent_version),
        drivers=checklist.drivers_of(worker.gpus.all()),
        device=worker.device or "CPU",
        isolation=worker.isolation,
        unsandboxed_allowed=worker.unsandboxed_allowed,
        blenders=tested.blender_versions,
        blender_problem=tested.blender_problem,
        self_test=tested.passed,
        self_test_words=tested.words,
    )


def config_name(worker: Worker) -> str:
    """File name of the configuration: letters, digits and dashes only."""
    slug = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in worker.name).strip("-")
    return f"{slug or 'node'}.toml"
