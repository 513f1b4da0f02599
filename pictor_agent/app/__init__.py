"""The page of a node on its own machine, 127.0.0.1: what it does, what it earns, its health; pause, import, stop."""
