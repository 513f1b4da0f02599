"""What comes with the verbs of a submitted job: which frames again and why, who may watch."""

from django import forms

from rendering.choices import Again, Visibility
from rendering.splitting import BadFrames, parse_frames


class RequeueForm(forms.Form):
    """Which frames to render once more: all that failed, or those of an expression."""

    which = forms.ChoiceField(choices=[("failed", "All failed frames"), ("frames", "These frames")])
    frames = forms.CharField(required=False, max_length=500)
    why = forms.ChoiceField(required=False, choices=[("", "No reason"), *Again.choices])
    words = forms.CharField(required=False, max_length=280)

    def clean(self) -> dict:
        cleaned = super().clean()
        if cleaned.get("which") == "frames":
            try:
                cleaned["numbers"] = parse_frames(cleaned.get("frames", ""))
            except BadFrames as error:
                self.add_error("frames", str(error))
        return cleaned


class ShareForm(forms.Form):
    """Who may watch a job; `anew` gives the link another address."""

    visibility = forms.ChoiceField(required=False, choices=[("", "Private"), *Visibility.choices])
    anew = forms.BooleanField(required=False)
