from django.apps import AppConfig


class KarbonSyncConfig(AppConfig):
    name = "karbonsync"
    verbose_name = "KarbonSync"

    def ready(self) -> None:
        from karbonsync import checks  # noqa: F401  (registers the system checks)
