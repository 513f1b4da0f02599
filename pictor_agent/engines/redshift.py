"""Redshift: announced, not rendered yet."""

from pictor_agent.engines.entry import Engine

ENGINE = Engine(name="redshift", label="Redshift", software="cinema4d", status="coming")
