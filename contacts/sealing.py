"""Encrypts what opens the firm's ledger, before it touches the database or a session.

``FIELD_ENCRYPTION_KEYS`` holds the current key first; older ones still read, so that keys can be changed.
"""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class Unreadable(Exception):
    """Encrypted with a key that we no longer have."""


def _fernet() -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS])
    except ValueError as error:
        hint = "Set FIELD_ENCRYPTION_KEYS to Fernet keys (32 bytes in URL-safe base64), the current one first."
        raise ImproperlyConfigured(hint) from error


def seal(text: str) -> str:
    """Encrypt with the current key. Two seals of the same text differ."""
    return _fernet().encrypt(text.encode()).decode()


def unseal(ciphertext: str) -> str:
    """Decrypt with any key we have, or raise ``Unreadable``."""
    try:
        return _fernet().decrypt(ciphertext.encode()).decode()
    except InvalidToken as error:
        raise Unreadable from error


def is_current(ciphertext: str) -> bool:
    """Tell whether a text was sealed with the current key, not an older one."""
    try:
        Fernet(settings.FIELD_ENCRYPTION_KEYS[0]).decrypt(ciphertext.encode())
    except InvalidToken:
        return False
    return True
