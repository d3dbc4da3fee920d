"""An edit is on the other side within moments of its webhook, and without webhooks with the next check."""

from statistics import median

from tests.quickness.race import Race

# On a machine that does nothing else it takes well under two seconds (`make bench` says how long); tests run under load.
GENEROUS = 10.0


def test_an_edit_is_on_the_other_side_moments_after_its_webhook(capsys):
    with Race.prepared() as race:
        subscribed = race.turn_webhooks_on()
        race.be_at_rest()
        there, back = [], []
        for _ in range(3):
            there.append(race.from_xero())
            race.be_at_rest()
            back.append(race.from_karbon())
            race.be_at_rest()
        race.turn_webhooks_off()
        arrived_in_karbon, arrived_in_xero = race.edit_in_xero(), None
        assert not arrived_in_karbon()
        race.product.sync()
        assert arrived_in_karbon()
        arrived_in_xero = race.edit_in_karbon()
        race.product.sync()
        assert arrived_in_xero()
    with capsys.disabled():
        print(
            f"\nsubscribed after {subscribed:.1f} s; Xero to Karbon {', '.join(f'{s:.2f}' for s in there)} s; "
            f"Karbon to Xero {', '.join(f'{s:.2f}' for s in back)} s"
        )
    assert median(there) < GENEROUS and median(back) < GENEROUS
