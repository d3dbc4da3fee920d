from django.apps import AppConfig


class KarbonConfig(AppConfig):
    name = "karbon"
    verbose_name = "Karbon"
