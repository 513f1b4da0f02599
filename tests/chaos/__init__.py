"""A job with three nodes, one of which misbehaves, while processes, network and disk fail: `make chaos`, and a short form."""
