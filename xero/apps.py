from django.apps import AppConfig


class XeroConfig(AppConfig):
    name = "xero"
    verbose_name = "Xero"
