"""A message's key is its author's own; before, it was the room's."""

from django.db import migrations, models
from django.db.models import F, Value
from django.db.models.functions import Cast, Concat


def name_users(apps, schema_editor):
    """Guests of before stay unknown."""
    messages = apps.get_model("chat", "Message").objects.filter(user__isnull=False)
    number = Cast(F("user_id"), models.CharField())
    messages.update(author=Concat(Value("user-"), number))


class Migration(migrations.Migration):
    dependencies = [("chat", "0002_lobby")]
    operations = [
        migrations.AddField(
            model_name="message",
            name="author",
            field=models.CharField(default="", max_length=40),
        ),
        migrations.RemoveConstraint(model_name="message", name="stored_once"),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                fields=("room", "author", "key"), name="stored_once"
            ),
        ),
        migrations.RunPython(name_users, migrations.RunPython.noop),
    ]
