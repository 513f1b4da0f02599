"""Octane: announced, not rendered yet."""

from pictor_agent.engines.entry import Engine

ENGINE = Engine(name="octane", label="Octane", software="cinema4d", status="coming")
