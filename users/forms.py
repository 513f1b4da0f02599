"""What a person may change about themselves."""

from django import forms

from users.models import User


class ProfileForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["display_name"]
        labels = {"display_name": "Name"}
        help_texts = {"display_name": "Shown on your pages and to the operators."}
        widgets = {"display_name": forms.TextInput(attrs={"autocomplete": "name", "maxlength": 80})}
