"""Tags of a new mapping."""

from collections.abc import Iterator

from mesh_assets.esm.findings import Finding, fault
from mesh_assets.esm.validation.subject import Subject

_MOST_TAGS = 50
_LONGEST_KEY = 128
_LONGEST_VALUE = 256
_BESIDE_LETTERS = set("_.:/=+-@")


def tag_findings(subject: Subject) -> Iterator[Finding]:
    tags = subject.request.tags
    if tags is None or not subject.creating:
        return
    if len(tags) > _MOST_TAGS:
        yield fault("tags", len(tags), f"at most {_MOST_TAGS}", "drop some")
    for key, value in tags.items():
        if not 1 <= len(key) <= _LONGEST_KEY or len(value) > _LONGEST_VALUE:
            yield fault(
                "tags",
                key,
                f"a key has 1-{_LONGEST_KEY} characters and a value at most {_LONGEST_VALUE}",
                "shorten it",
            )
        elif key.casefold().startswith("aws:"):
            yield fault("tags", key, "names that begin with aws: are AWS' own", "choose another name")
        elif not all(
            c.isalpha() or c.isnumeric() or c.isspace() or c in _BESIDE_LETTERS for c in key + value
        ):
            yield fault(
                "tags", key, "letters, digits, blanks and _ . : / = + - @ only", "remove what is else"
            )
