"""A job with three nodes, one of which misbehaves, while processes are killed: `make chaos`, and a story in small."""
