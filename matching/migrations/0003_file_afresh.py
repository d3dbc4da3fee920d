"""Contacts stand under other lookup keys from now on: all are filed afresh before the next matching."""

from django.db import migrations


def file_afresh(apps, schema_editor):
    apps.get_model("matching", "Filed").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("matching", "0002_connected_for_real")]

    operations = [migrations.RunPython(file_afresh, migrations.RunPython.noop)]
