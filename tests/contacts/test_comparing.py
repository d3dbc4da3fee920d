"""What differs between two values, marked word by word."""

import pytest

from contacts.comparing import parts


def marked(mine: str, theirs: str) -> list[str]:
    return [part.text for part in parts(mine, theirs) if part.differs]


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        ("Harbour Joinery Limited", "Harbour Joinery Ltd", ["Limited"]),
        ("Graham & Lorraine Tattersall", "Graham Tattersall", ["&", "Lorraine"]),
        ("Otago, 9016", "Otago, 9016, New Zealand", []),
        ("Otago, 9016, New Zealand", "Otago, 9016", ["New", "Zealand"]),
        ("HARBOUR joinery", "Harbour Joinery", []),
        ("office@harbour.example", "accounts@harbour.example", ["office@harbour.example"]),
        ("John  Smith", "John\xa0Smith", []),
    ],
)
def test_words_that_the_other_side_lacks_are_marked(mine, theirs, expected):
    assert marked(mine, theirs) == expected
    assert "".join(part.text for part in parts(mine, theirs)) == mine
