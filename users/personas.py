"""One-click people of the demo. They exist only where settings.DEMO is on; production refuses to start with it."""

from dataclasses import dataclass

from allauth.account.signals import user_signed_up
from django.db import transaction
from django.http import HttpRequest

from users.models import User


@dataclass(frozen=True)
class Persona:
    """A role of the product, as a person one can be at once."""

    key: str
    name: str
    words: str
    icon: str
    start: str  # URL name of the page that this person looks at first
    is_operator: bool = False

    @property
    def username(self) -> str:
        """Cannot be taken by a sign-up: those never get a colon."""
        return f"demo:{self.key}"


PERSONAS: dict[str, Persona] = {
    persona.key: persona
    for persona in [
        Persona("creator", "Carla Creator", "Sends scenes, gets frames", "box", "rendering:job-list"),
        Persona("owner", "Oskar Owner", "Puts a machine to work", "server", "workers:worker-list"),
        Persona("checker", "Chen Checker", "Checks what others rendered", "shield-check", "checkers:overview"),
        Persona("operator", "Olga Operator", "Runs the network", "wrench", "home", is_operator=True),
    ]
}


@transaction.atomic
def persona_user(key: str, request: HttpRequest | None = None) -> User:
    """The user of a persona, made on first use like any new account (so it gets the welcome credit).

    Raises:
        KeyError: there is no such persona.
    """
    persona = PERSONAS[key]
    user, is_new = User.objects.get_or_create(username=persona.username, defaults=_fields(persona))
    if is_new:
        user.set_unusable_password()
        user.save(update_fields=["password"])
        user_signed_up.send(sender=User, request=request, user=user)
    return user


def is_persona(user: User) -> bool:
    return user.username in {persona.username for persona in PERSONAS.values()}


def _fields(persona: Persona) -> dict:
    return {
        "display_name": persona.name,
        "email": f"{persona.key}@demo.invalid",
        "is_staff": persona.is_operator,
        "is_superuser": persona.is_operator,
    }
