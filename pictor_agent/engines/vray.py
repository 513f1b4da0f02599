"""V-Ray: announced, not rendered yet."""

from pictor_agent.engines.entry import Engine

ENGINE = Engine(name="vray", label="V-Ray", software="3dsmax", status="coming")
