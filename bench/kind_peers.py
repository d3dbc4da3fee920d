"""Person or organisation, by us and by others: each subject in a process of its own, so that its memory is its own.

``python -m bench.kind_peers SUBJECT < names.json`` prints kinds, seconds and peak memory as JSON. Subjects that do not say a
kind by themselves are read in the way that serves them best.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PERSON, ORGANISATION = "PERSON", "ORGANISATION"
Classify = Callable[[Sequence[str]], list[str]]


def ours() -> Classify:
    from matching import classifier

    classifier.loaded_model()
    return lambda names: [guess.kind for guess in classifier.classify([classifier.Name(name) for name in names])]


def probablepeople() -> Classify:
    """Its type; a household is people. What it cannot tag at once is read by the labels of its words."""
    import probablepeople as peer

    def kind(name: str) -> str:
        try:
            return ORGANISATION if peer.tag(name)[1] == "Corporation" else PERSON
        except peer.RepeatedLabelError:
            labels = [label for _, label in peer.parse(name)]
            return ORGANISATION if any(label.startswith("Corporation") for label in labels) else PERSON

    return lambda names: [kind(name) for name in names]


def nameparser() -> Classify:
    """A person where it finds a first and a last name, or a title, in at most four words without a digit."""
    from nameparser import HumanName

    def kind(name: str) -> str:
        parsed = HumanName(name)
        whole = bool(parsed.title or (parsed.first and parsed.last)) and not any(c.isdigit() for c in name)
        return PERSON if whole and len(name.split()) <= 4 else ORGANISATION

    return lambda names: [kind(name) for name in names]


def cleanco() -> Classify:
    """An organisation where it finds a legal form."""
    import cleanco as peer
    from cleanco.classify import matches, typesources

    sources = typesources()

    def kind(name: str) -> str:
        stripped = peer.basename(name).strip(" .,") != name.strip(" .,")
        return ORGANISATION if stripped or matches(name, sources) else PERSON

    return lambda names: [kind(name) for name in names]


def nameparser_and_cleanco() -> Classify:
    """Both: no legal form, and the shape of a person's name."""
    one, other = nameparser(), cleanco()
    return lambda names: [
        PERSON if a == b == PERSON else ORGANISATION for a, b in zip(one(names), other(names), strict=True)
    ]


SUBJECTS: dict[str, Callable[[], Classify]] = {
    "ours": ours,
    "probablepeople": probablepeople,
    "nameparser": nameparser,
    "cleanco": cleanco,
    "nameparser + cleanco": nameparser_and_cleanco,
}


def measure(subject: str, names: Sequence[str]) -> dict[str, object]:
    """Classify in a fresh process; return kinds, seconds of processor time (loading apart) and peak memory in MB."""
    command = [sys.executable, "-m", "bench.kind_peers", subject]
    done = subprocess.run(command, input=json.dumps(names), capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def main() -> None:
    names = json.load(sys.stdin)
    classify = SUBJECTS[sys.argv[1]]()
    began = time.process_time()
    kinds = classify(names)
    seconds = time.process_time() - began
    print(json.dumps({"kinds": kinds, "seconds": seconds, "memory": peak_memory()}))


def peak_memory() -> float:
    """Return the most this process ever held, in MB; `getrusage` alone would count what the parent held when it forked."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


if __name__ == "__main__":
    main()
