"""Setting what a job mandates at little cost: every assignment, even of the same value, makes Blender look at the scene anew."""


def put(owner, **values):
    """Assign, in order, those values that are not there already."""
    for name, value in values.items():
        if getattr(owner, name) != value:
            setattr(owner, name, value)


def put_known(owner, **values):
    """As `put`, for properties that not every version of Blender has."""
    put(owner, **{name: value for name, value in values.items() if hasattr(owner, name)})
