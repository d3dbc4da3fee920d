"""The other ways to match, each used as its own guide recommends. A subject takes two lists of rows and returns scored pairs.

Where a subject needs a cut between "same" and "not the same", the evaluator finds the best one for it: none is judged
by a badly chosen threshold.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from typing import Any

Rows = list[dict[str, str]]
Pairs = list[tuple[str, str, float]]
_LEGAL = re.compile(r"\b(limited|ltd|pty|inc|incorporated|llc|plc|llp|corp|corporation|co|company|the|mr|mrs|ms|dr)\b")


def cleaned(name: str) -> str:
    """Lower case, no accents, no punctuation, no legal forms: the preparation that every guide asks for."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    words = re.sub(r"[^a-z0-9]+", " ", plain.replace("&", " and "))
    return " ".join(_LEGAL.sub(" ", words).split()) or " ".join(words.split())


def whole(row: dict[str, str]) -> str:
    """Name and address as one text: what a method that knows one text only is given."""
    return f"{cleaned(row['name'])} {cleaned(row['address'])}".strip()


def exact(mine: Rows, theirs: Rows) -> Pairs:
    """Same name and same e-mail once case and spaces do not count."""
    book: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in theirs:
        book[_key(row)].append(row["id"])
    return [(row["id"], other, 1.0) for row in mine if row["email"] for other in book.get(_key(row), ())]


def _key(row: dict[str, str]) -> tuple[str, str]:
    return " ".join(row["name"].casefold().split()), row["email"].casefold().strip()


def token_sort(mine: Rows, theirs: Rows) -> Pairs:
    """rapidfuzz's token-sort ratio of the names, everybody against everybody, the five best each."""
    return _token_sort(mine, theirs, lambda row: cleaned(row["name"]))


def token_sort_whole(mine: Rows, theirs: Rows) -> Pairs:
    """The same over name and address together."""
    return _token_sort(mine, theirs, whole)


def _token_sort(mine: Rows, theirs: Rows, text: Callable[[dict[str, str]], str]) -> Pairs:
    import numpy as np
    from rapidfuzz import fuzz, process

    others = [text(row) for row in theirs]
    pairs: Pairs = []
    for start in range(0, len(mine), 500):
        chunk = mine[start : start + 500]
        scores = process.cdist([text(row) for row in chunk], others, scorer=fuzz.token_sort_ratio, workers=-1, dtype=np.uint8)  # fmt: skip
        best = np.argpartition(-scores.astype(np.int16), 5, axis=1)[:, :5]
        pairs += [
            (row["id"], theirs[j]["id"], float(scores[i, j])) for i, row in enumerate(chunk) for j in best[i].tolist()
        ]
    return pairs


def tfidf(mine: Rows, theirs: Rows) -> Pairs:
    """Cosine of character trigrams weighed by TF-IDF over name, e-mail and address, the five best each."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [f"{whole(row)} {row['email'].casefold()} {row['phone']}" for row in (*mine, *theirs)]
    matrix = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), sublinear_tf=True).fit_transform(texts)
    left, right = matrix[: len(mine)], matrix[len(mine) :].T.tocsc()
    pairs: Pairs = []
    for start in range(0, len(mine), 500):
        scores = (left[start : start + 500] @ right).toarray()
        best = np.argpartition(-scores, 5, axis=1)[:, :5]
        pairs += [
            (mine[start + i]["id"], theirs[j]["id"], float(scores[i, j]))
            for i in range(len(scores))
            for j in best[i].tolist()
        ]
    return pairs


def frame_of(rows: Rows) -> Any:
    """The rows as a table for the record-linkage packages, absent values as nulls."""
    import pandas as pd

    table = []
    for row in rows:
        words = cleaned(row["name"]).split() or [""]
        mailbox, _, domain = row["email"].casefold().partition("@")
        numbers = re.findall(r"\d{4,5}", row["address"])
        table.append(
            {
                "unique_id": row["id"],
                "name": " ".join(sorted(words)),
                "first": words[0],
                "last": words[-1],
                "email": row["email"].casefold(),
                "mailbox": mailbox,
                "domain": domain,
                "phone": re.sub(r"\D", "", row["phone"])[-8:],
                "address": cleaned(row["address"]),
                "postcode": numbers[-1] if numbers else "",
            }
        )
    frame = pd.DataFrame(table).astype(object)
    return frame.where(frame != "", None)


def splink(mine: Rows, theirs: Rows) -> Pairs:
    """Splink 5 over DuckDB, its parameters estimated from the two lists alone, as its guide shows."""
    import splink.comparison_library as compare
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    left, right = frame_of(mine), frame_of(theirs)
    has = {column: bool(left[column].notna().any() and right[column].notna().any()) for column in left}
    comparisons = [
        compare.JaroWinklerAtThresholds("name", [0.97, 0.92, 0.85, 0.75]).configure(term_frequency_adjustments=True)
    ]
    blocks = [block_on("name"), block_on("first", "substr(last,1,3)"), block_on("last", "substr(first,1,1)")]
    if has["email"]:
        comparisons.append(compare.EmailComparison("email"))
        blocks.append(block_on("email"))
    if has["phone"]:
        comparisons.append(compare.ExactMatch("phone").configure(term_frequency_adjustments=True))
        blocks.append(block_on("phone"))
    if has["address"]:
        comparisons.append(
            compare.JaroWinklerAtThresholds("address", [0.97, 0.9, 0.8]).configure(term_frequency_adjustments=True)
        )
    if has["postcode"]:
        blocks += [block_on("postcode", "substr(name,1,2)"), block_on("address"), block_on("substr(address,1,14)")]
    settings = SettingsCreator(
        link_type="link_only", comparisons=comparisons, blocking_rules_to_generate_predictions=blocks
    )
    database = DuckDBAPI()
    linker = Linker([database.register(left), database.register(right)], settings, log_level=None)
    train = linker.training
    beside = next((column for column in ("email", "postcode") if has[column]), "")
    sure = [block_on("name", beside) if beside else block_on("name")]
    train.estimate_probability_two_random_records_match(sure, recall=0.4)
    train.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    if beside:  # with names alone there would be nothing left to estimate
        train.estimate_parameters_using_expectation_maximisation(block_on("name"))
    train.estimate_parameters_using_expectation_maximisation(block_on(beside or "last"))
    predicted = linker.inference.predict(threshold_match_probability=0.01).as_record_list()
    mine_ids = {row["id"] for row in mine}
    return [
        (one, other, row["match_weight"]) if one in mine_ids else (other, one, row["match_weight"])
        for row in predicted
        for one, other in [(row["unique_id_l"], row["unique_id_r"])]
    ]


def recordlinkage(mine: Rows, theirs: Rows) -> Pairs:
    """The Python Record Linkage Toolkit: sorted neighbourhood, string and exact comparisons, an unsupervised ECM classifier."""
    import numpy as np
    import recordlinkage as rl

    left, right = (frame_of(rows).set_index("unique_id").fillna("") for rows in (mine, theirs))
    for frame in (left, right):
        for column in ("email", "phone", "postcode"):
            frame[column] = [value or f"none-{number}-{id(frame)}" for number, value in enumerate(frame[column])]
    indexer = rl.Index()
    indexer.sortedneighbourhood("name", window=9)
    indexer.block("email")
    indexer.block("phone")
    indexer.block("last")
    indexer.block("postcode")
    candidates = indexer.index(left, right)
    comparing = rl.Compare()
    comparing.string("name", "name", method="jarowinkler", label="name")
    comparing.string("name", "name", method="levenshtein", label="name edits")
    comparing.string("email", "email", method="jarowinkler", label="email")
    comparing.exact("email", "email", label="same email")
    comparing.exact("phone", "phone", label="same phone")
    comparing.string("address", "address", method="jarowinkler", label="address")
    features = comparing.compute(candidates, left, right)
    binary = features > np.array([0.88, 0.75, 0.92, 0.5, 0.5, 0.85])
    varied = binary.loc[:, binary.nunique() > 1].astype(int)
    chances = rl.ECMClassifier()
    chances.fit(varied)
    probability = chances.prob(varied)
    scores = probability.to_numpy() + 0.001 * features.sum(axis=1).to_numpy()
    kept = scores > 0.05
    return [(a, b, float(s)) for (a, b), s, keep in zip(candidates, scores, kept, strict=True) if keep]


SUBJECTS: dict[str, Callable[[Rows, Rows], Pairs]] = {
    "exact rule": exact,
    "rapidfuzz token-sort": token_sort,
    "rapidfuzz token-sort, name + address": token_sort_whole,
    "TF-IDF cosine": tfidf,
    "Splink": splink,
    "recordlinkage": recordlinkage,
}
