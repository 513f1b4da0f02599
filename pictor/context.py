"""What the shell of every page shows: navigation, balance, counts."""


def shell(request) -> dict:
    """Template context for layouts/app.html."""
    return {}
