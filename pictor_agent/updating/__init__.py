"""How the agent becomes a newer one by itself, and stays what it is when that fails: docs/updates.md."""
