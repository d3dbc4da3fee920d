"""Who is compared with whom: found by lookup keys, the same in every process."""

from matching import blocking, evidence, search
from matching.commonness import Commonness
from matching.profiles import Record, profile
from matching.search import MemoryShelf

THERE = [
    f"{given} {family}" for given in ("Lucy", "Ruby", "Aroha") for family in ("Easling", "Quayle", "Ngata", "Reid")
]


def shelf(*names: str) -> MemoryShelf:
    return MemoryShelf(profile(Record(number, name)) for number, name in enumerate(names))


def test_the_order_of_the_keys_decides_nothing() -> None:
    theirs = shelf(*THERE * 4)
    keys = blocking.keys(profile(Record("a", "Lucy Parata")))
    there = theirs.counts(keys)
    found = [search.nearest({"a": own}, there, theirs)["a"] for own in (keys, keys[::-1], sorted(keys))]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == search.KEEP


def test_a_slip_in_each_word_keeps_nobody_from_being_found() -> None:
    theirs = shelf("Sophie McCarthy", *THERE)
    keys = blocking.keys(profile(Record("a", "Sophia McCqrthy")))
    assert 0 in search.nearest({"a": keys}, theirs.counts(keys), theirs)["a"]


def test_strangers_are_left_out_unless_they_are_named() -> None:
    mine = profile(Record(99, "Lucy Postlethwaite"))
    ours, theirs = MemoryShelf([mine]), shelf(*THERE)
    assert not search.pairs([mine], ours, theirs)
    assert [pair.theirs for pair in search.pairs([mine], ours, theirs, also={99: [0]})] == [0]


def test_whoever_shares_an_email_is_no_stranger() -> None:
    one, other = (profile(Record(n, name, "office@x.example")) for n, name in enumerate(("Kauri Joinery", "Mere Tane")))
    assert evidence.gather_unless_strangers(one, other, Commonness({}, 1000)) is not None
