"""`pictor-agent run --trial`: everything that a start does, up to a full sign-on, then goodbye. Asked of a new release by the old one."""

import asyncio

from websockets.exceptions import ConnectionClosedOK

from pictor_agent import connection, protocol
from pictor_agent.abilities import find_abilities
from pictor_agent.shift import Shift

ANSWER_SECONDS = 30.0


async def try_out(shift: Shift) -> int:
    """0 once the server has taken the sign-on; whatever it refuses, and a lost line, is an error that ends the program."""
    shift.abilities = await find_abilities(shift.runner.environments, shift.runner.sandbox)
    shift.deliveries.add_what_is_due()
    link = await connection.sign_on(
        shift.config.socket_url,
        worker_uid=shift.config.uid,
        key=shift.state.signing_key(),
        token=shift.state.unused_token(shift.config.token),
    )
    try:
        await link.send(protocol.SignOn(inventory=shift.inventory(), holding=shift.holding()))
        await link.send(protocol.SignOff(reason="the trial of a new release"))
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                await link.receive()
    except ConnectionClosedOK:  # the answer to the goodbye: all before it was taken
        return 0
    finally:
        await link.close()
