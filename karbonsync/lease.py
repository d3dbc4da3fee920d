"""One check at a time, across processes: a lease of a few seconds, renewed while its holder lives (design §8)."""

import secrets
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from karbonsync.models import Lease

LEASE = "check"  # the one there is: a check, a preview and a new convention exclude each other


class Held:
    """A lease that is ours. Losing it is harmless: every state moves by conditional UPDATE; it only saves double work."""

    def __init__(self, name: str) -> None:
        self._name, self._holder = name, secrets.token_hex(8)
        self._renewed_at = timezone.now()

    def take(self) -> bool:
        Lease.objects.get_or_create(name=self._name)
        now = timezone.now()
        free = Q(holder="") | Q(expires_at=None) | Q(expires_at__lt=now)
        self._renewed_at = now
        taken = Lease.objects.filter(free, name=self._name).update(
            holder=self._holder, expires_at=now + _term(), rung=False
        )
        return bool(taken)

    def renew(self) -> None:
        """Call as often as you like; the row moves once every few seconds."""
        now = timezone.now()
        if now - self._renewed_at > _term() / 5:
            Lease.objects.filter(name=self._name, holder=self._holder).update(expires_at=now + _term())
            self._renewed_at = now

    def release(self) -> bool:
        """Give the lease back, unless somebody rang meanwhile: then keep it, and return False."""
        mine = Lease.objects.filter(name=self._name, holder=self._holder)
        if mine.filter(rung=False).update(holder="", expires_at=None):
            return True
        return not mine.filter(rung=True).update(rung=False, expires_at=timezone.now() + _term())

    def drop(self) -> None:
        Lease.objects.filter(name=self._name, holder=self._holder).update(holder="", expires_at=None)


def ring(name: str) -> None:
    """Tell the holder to look once more before it goes."""
    Lease.objects.filter(name=name).update(rung=True)


def _term() -> timedelta:
    return timedelta(seconds=settings.LEASE_SECONDS)
