"""The first room, so that there is one."""

from django.db import migrations


def make_lobby(apps, schema_editor):
    apps.get_model("chat", "Room").objects.create(name="Lobby", slug="lobby")


class Migration(migrations.Migration):
    dependencies = [("chat", "0001_initial")]
    operations = [migrations.RunPython(make_lobby, migrations.RunPython.noop)]
