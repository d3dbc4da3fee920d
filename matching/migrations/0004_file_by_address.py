"""Addresses stand under other lookup keys from now on: all contacts are filed afresh before the next matching."""

from django.db import migrations


def file_afresh(apps, schema_editor):
    apps.get_model("matching", "Filed").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("matching", "0003_file_afresh")]

    operations = [migrations.RunPython(file_afresh, migrations.RunPython.noop)]
