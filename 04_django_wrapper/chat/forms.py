"""The forms of the pages: each mistake gets a sentence."""

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.utils.text import slugify

from chat.models import Room
from chat.visible import has_filler

ALLOWED = "A name has letters, digits and @ . + - _ only."
INVISIBLE = "A name has no invisible characters."
JOINERS = {0x200C: None, 0x200D: None}  # not printable, but part of some scripts


class RoomForm(forms.ModelForm):
    """A new room: its name, in any alphabet. Its address is made of the name."""

    class Meta:
        model = Room
        fields = ["name"]
        error_messages = {
            "name": {
                "unique": "There is a room of this name already.",
                "max_length": "A room's name has at most 80 characters.",
                "required": "A room needs a name.",
            }
        }

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if "/" in name or "\\" in name:
            raise ValidationError("A room's name has no slashes.")
        if not name.translate(JOINERS).isprintable():
            raise ValidationError("A room's name has no control characters.")
        if has_filler(name):
            raise ValidationError("A room's name has no invisible characters.")

        slug = slugify(name, allow_unicode=True)
        if not slug:
            raise ValidationError("A room's name has at least one letter or digit.")
        if Room.objects.filter(slug=slug).exists():
            raise ValidationError("There is a room of this or a similar name already.")
        self.instance.slug = slug
        return name


class GuestNameForm(forms.Form):
    """A guest's name: the characters of a user's name, but no user's name."""

    name = forms.CharField(
        max_length=40,
        validators=[UnicodeUsernameValidator(message=ALLOWED)],
        error_messages={
            "max_length": "A name has at most 40 characters.",
            "required": "Write a name.",
        },
    )

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if has_filler(name):
            raise ValidationError(INVISIBLE)
        if get_user_model().objects.filter(username__iexact=name).exists():
            raise ValidationError("This name is taken: somebody has signed up with it.")
        return name


class SignUpForm(UserCreationForm):
    """Django's own form for a new user. A name in it can be seen."""

    def clean_username(self) -> Any:
        name = super().clean_username()
        if has_filler(str(name)):
            raise ValidationError(INVISIBLE)
        return name
