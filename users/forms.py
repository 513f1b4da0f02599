"""What a person may change about themselves."""

import zoneinfo
from datetime import datetime, timedelta
from functools import cache

from django import forms

from common.words import one_line
from users import notice_kinds, ssh_keys
from users.addresses import CODE_LENGTH
from users.models import Theme, User
from users.tokens import SCOPES

DAYS = [("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "Until it is revoked")]


@cache
def time_zones() -> list[tuple[str, str]]:
    """Places of the IANA table; old names that only point to another are left out."""
    names = sorted(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/"))
    return [
        ("", "As this site"),
        ("UTC", "UTC"),
        *((name, name.replace("_", " ")) for name in names),
    ]


class ProfileForm(forms.ModelForm):
    time_zone = forms.ChoiceField(
        label="Time zone", choices=time_zones, required=False, help_text="Times on pages and in files that you download."
    )
    theme = forms.ChoiceField(label="Theme", choices=Theme, required=False, help_text="In every browser that you sign in with.")

    class Meta:
        model = User
        fields = ["display_name", "time_zone", "theme"]
        labels = {"display_name": "Name"}
        help_texts = {"display_name": "Shown on your pages and to the operators."}
        widgets = {"display_name": forms.TextInput(attrs={"autocomplete": "name", "maxlength": 80})}

    def clean_display_name(self) -> str:
        return one_line(self.cleaned_data["display_name"])


class SshKeyForm(forms.Form):
    key = forms.CharField(
        label="Public key",
        max_length=ssh_keys.LENGTH_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off", "class": "mono"}),
        help_text="The one line of ~/.ssh/id_ed25519.pub. Make a pair with: ssh-keygen -t ed25519",
    )
    name = forms.CharField(label="Name", max_length=80, required=False, help_text="Empty: the comment at the end of the line.")

    def clean_key(self) -> ssh_keys.PublicKey:
        try:
            return ssh_keys.parse(self.cleaned_data["key"])
        except ssh_keys.BadKey as error:
            self.data = self.data.copy()
            self.data["key"] = ""  # whatever it was, no page prints it
            raise forms.ValidationError(str(error)) from error

    def clean_name(self) -> str:
        return one_line(self.cleaned_data["name"])


class TokenForm(forms.Form):
    name = forms.CharField(label="Name", max_length=80, help_text="What will use it: a script, a machine.")
    scopes = forms.MultipleChoiceField(
        label="It may", choices=list(SCOPES.items()), widget=forms.CheckboxSelectMultiple, initial=["account:read"]
    )
    days = forms.ChoiceField(label="Good for", choices=DAYS, required=False, initial="90")

    def clean_name(self) -> str:
        return one_line(self.cleaned_data["name"]) or "Token"

    def expires_at(self, now: datetime) -> datetime | None:
        days = self.cleaned_data["days"]
        return now + timedelta(days=int(days)) if days else None


ASCII_ONLY = (
    "Only addresses in plain letters (a to z), digits and signs work here. Look for a letter that only looks like one of them; "
    "a domain with others can be written in its form that begins with xn--."
)


class AddressForm(forms.Form):
    email = forms.EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"})
    )

    def clean_email(self) -> str:
        """Why, says users.addresses."""
        if not self.cleaned_data["email"].isascii():
            raise forms.ValidationError(ASCII_ONLY)
        return self.cleaned_data["email"]


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "mono"}),
        help_text=f"{CODE_LENGTH} digits from the mail.",
    )


PAGE, MAIL = "page", "mail"


class NoticesForm(forms.Form):
    """A box for each kind of notice and each way of telling it; what must be told is ticked and stays so."""

    def __init__(self, *args, user: User, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        for kind in notice_kinds.kinds().values():
            self.fields[f"{kind.key}-{PAGE}"] = _box(kind, "on the page", kind.key not in user.unlisted)
            self.fields[f"{kind.key}-{MAIL}"] = _box(kind, "by mail", kind.key not in user.muted)

    def groups(self) -> list[tuple[notice_kinds.Group, list]]:
        """(group, rows of kind, box of the page, box of the mail), as the page shows them."""
        return [
            (group, [(kind, self[f"{kind.key}-{PAGE}"], self[f"{kind.key}-{MAIL}"]) for kind in group.kinds])
            for group in notice_kinds.groups()
        ]

    def save(self) -> None:
        self.user.unlisted, self.user.muted = self._without(PAGE), self._without(MAIL)
        self.user.save(update_fields=["unlisted", "muted"])

    def _without(self, way: str) -> list[str]:
        return [
            key for key, kind in notice_kinds.kinds().items() if not kind.is_always and not self.cleaned_data[f"{key}-{way}"]
        ]


def _box(kind: notice_kinds.Kind, way: str, is_wanted: bool) -> forms.BooleanField:
    return forms.BooleanField(
        label=f"{kind.words} {way}", required=False, disabled=kind.is_always, initial=kind.is_always or is_wanted
    )


class CloseForm(forms.Form):
    words = forms.CharField(
        label="Type: close my account", max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def clean_words(self) -> str:
        if self.cleaned_data["words"].strip().lower() != "close my account":
            raise forms.ValidationError("Type the three words: close my account")
        return self.cleaned_data["words"]
