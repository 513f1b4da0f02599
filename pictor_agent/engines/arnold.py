"""Arnold: announced, not rendered yet."""

from pictor_agent.engines.entry import Engine

ENGINE = Engine(name="arnold", label="Arnold", software="maya", status="coming")
