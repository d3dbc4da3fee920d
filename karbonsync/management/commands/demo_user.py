"""``demo_user``: the demo's administrator, with the password that DEMO_PASSWORD holds."""

import os
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Make the demo's administrator."

    def handle(self, *args: Any, **options: Any) -> None:
        if not (password := os.environ.get("DEMO_PASSWORD", "")):
            raise CommandError("DEMO_PASSWORD is not set; `make demo` sets it.")
        user, _ = User.objects.get_or_create(username="demo", defaults={"is_staff": True, "is_superuser": True})
        user.set_password(password)
        user.save()
