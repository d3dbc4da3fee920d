import os
from io import StringIO

import requests
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from contacts import links
from contacts.models import *
from matching.models import MatchIssue


def test_shots(chromium, live_server, world):
    os.makedirs("/tmp/ks-shots", exist_ok=True)
    world.box.reset("demo")
    call_command("connect", stdout=StringIO())
    world.check()
    boss = User.objects.create_superuser("boss", password="x" * 14)
    pairs = list(Link.objects.filter(state="live", origin="full_match")[:3])
    links.unsync(pairs[0], by=boss)
    world.add_to_xero("Long & Sons", "a@b.example")
    p = pairs[1]
    requests.patch(
        f"{world.box.url}/sandbox/xero/contacts/{p.xero.remote_id}", json={"EmailAddress": "x@new.example"}, timeout=9
    )
    kind = "contacts" if p.karbon.kind == "person" else "organizations"
    requests.patch(
        f"{world.box.url}/sandbox/karbon/{kind}/{p.karbon.remote_id}/card",
        json={"EmailAddresses": ["k@new.example"]},
        timeout=9,
    )
    world.later()
    world.check()
    # richest issues
    issues = sorted(MatchIssue.objects.filter(state="open"), key=lambda i: -i.candidates.count())
    taken = [i for i in issues if i.candidates.filter(is_taken=True).exists()]
    free = (
        KarbonContact.objects.exclude(pk__in=Link.objects.filter(karbon__isnull=False).values("karbon"))
        .filter(candidacies__isnull=False)
        .first()
        or KarbonContact.objects.first()
    )
    c = FieldConflict.objects.first()
    urls = {
        "dashboard": "/admin/",
        "issues": "/admin/match-issues/",
        "review-many": f"/admin/match-issues/{issues[0].pk}/",
        "review-one": f"/admin/match-issues/{issues[-1].pk}/",
        "unsynced-list": "/admin/match-issues/?tab=unsynced",
        "left": "/admin/match-issues/?tab=left-out",
        "unsynced": f"/admin/unsynced/{pairs[0].pk}/",
        "karbon-list": "/admin/contacts/karboncontact/",
        "xero-list": "/admin/contacts/xerocontact/",
        "links": "/admin/contacts/link/",
        "link": f"/admin/contacts/link/{pairs[1].pk}/change/",
        "changes": "/admin/contacts/change/",
        "xero": f"/admin/contacts/xerocontact/{pairs[1].xero_id}/change/",
        "karbon": f"/admin/contacts/karboncontact/{free.pk}/change/",
        "create-xero": f"/admin/karbon-contact/{free.pk}/create-xero/",
        "unsync": f"/admin/contacts/link/{pairs[2].pk}/unsync/",
        "settings": "/admin/contacts/syncsettings/1/change/",
        "checks": "/admin/karbonsync/run/",
        "check": f"/admin/karbonsync/run/{__import__('karbonsync.models').models.Run.objects.first().pk}/change/",
        "xeroconn": "/admin/xero/xeroconnection/1/change/",
        "users": "/admin/auth/user/",
        "conflicts": "/admin/contacts/fieldconflict/?is_open__exact=1",
    }
    if taken:
        urls["review-taken"] = f"/admin/match-issues/{taken[0].pk}/"
    if c:
        urls["conflict"] = f"/admin/contacts/fieldconflict/{c.pk}/change/"
    client = Client()
    client.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    session = client.cookies["sessionid"].value
    for mode, vp, scheme in (
        ("light", (1280, 900), "light"),
        ("dark", (1280, 900), "dark"),
        ("phone", (390, 844), "light"),
    ):
        ctx = chromium.new_context(
            base_url=live_server.url, viewport={"width": vp[0], "height": vp[1]}, color_scheme=scheme
        )
        ctx.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = ctx.new_page()
        page.on("console", lambda m: print("CONSOLE", m.type, m.text) if m.type in ("error", "warning") else None)
        for name, url in urls.items():
            r = page.goto(url)
            page.wait_for_timeout(250)
            w = page.evaluate("document.documentElement.scrollWidth")
            print(mode, name, r.status, url, "WIDTH", w)
            page.screenshot(path=f"/tmp/ks-shots/{name}-{mode}.png", full_page=True)
        ctx.close()
