"""``connect``: connects this database to the running sandbox, without a browser, and switches syncing on."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from contacts.models import SyncSettings
from contacts.remote import RemoteError
from karbonsync import groups, setup
from karbonsync.checks import TAG


class Command(BaseCommand):
    requires_system_checks = (TAG,)  # not the one that says: not connected
    help = "Connect to the running sandbox that SANDBOX_URL names, and switch syncing on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--contact-type", default="", help="Karbon contact type of new contacts (default: Client)")
        parser.add_argument("--import-filter", choices=SyncSettings.ImportFilter.values, default="all")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX_URL:
            raise CommandError("SANDBOX_URL is not set. Start one with `manage.py sandbox` and set SANDBOX_URL=http://127.0.0.1:9500.", returncode=2)  # fmt: skip
        try:
            organisation = setup.connect_sandbox(f"{settings.SITE_URL}/xero/callback")
            contact_type = setup.choose_contact_type(options["contact_type"])
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from error
        except RemoteError as error:
            raise CommandError(f"{error} Is the sandbox running at {settings.SANDBOX_URL}?", returncode=2) from error
        groups.ensure()
        setup.start_syncing(contact_type=contact_type, import_filter=options["import_filter"])
        self.stdout.write(f"Connected to {organisation} in Xero and to Karbon. New Karbon contacts become “{contact_type}”. Syncing is on.")  # fmt: skip
