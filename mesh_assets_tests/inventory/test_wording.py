import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.inventory.wording import (
    brief,
    bytes_text,
    counted,
    duration,
    escaped,
    figure,
    listed,
    one_line,
    plural,
    readable,
    shortened,
)


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 topics"), (1, "1 topic"), (2, "2 topics"), (9000, "9,000 topics")]
)
def test_a_count_has_its_noun_in_the_right_form(number: int, text: str) -> None:
    assert counted(number, "topic") == text


def test_an_irregular_plural_is_given() -> None:
    assert (counted(1, "entry", "entries"), counted(2, "entry", "entries")) == ("1 entry", "2 entries")
    assert (plural(1, "is", "are"), plural(0, "is", "are")) == ("is", "are")


def test_a_long_list_ends_with_how_many_more_there_are() -> None:
    assert (listed([]), listed(["a", "b"]), listed(["a", "b", "c"], most=2)) == (
        "",
        "a, b",
        "a, b and 1 more",
    )


def test_a_name_with_line_breaks_fits_into_a_sentence() -> None:
    assert one_line("Größe \n 1") == "Größe 1"


def test_a_truncated_text_says_so() -> None:
    assert (one_line("abc", most=3), one_line("abcd", most=3)) == ("abc", "ab…")
    assert one_line("a" + " " * 100, most=3).endswith("…")
    assert (shortened("abc", 3), shortened("a\ncd", 3)) == ("abc", "a\n…")


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.05, "0.05"), (0.95, "0.9"), (1.5, "1.5"), (12, "12"), (1204.4, "1,204")]
)
def test_figures_are_as_exact_as_a_person_reads_them(value: float, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(45, "45 s"), (900, "15 min"), (10_800, "3 h"), (777_600, "9 days")]
)
def test_durations_have_the_unit_that_fits(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (512, "512 B"), (3_200, "3.2 kB"), (41_000_000, "41 MB"), (2e15, "2000 TB")],
)
def test_bytes_have_the_unit_that_fits(count: float, text: str) -> None:
    assert bytes_text(count) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("orders", "orders"),
        ("Größe 1 · 漢字 λ", "Größe 1 · 漢字 λ"),
        ("a\tb\r\nc\rd\x85e\u2028f\u2029g\n", "a\tb\nc\nd\ne\nf\ng\n"),
        ("pay\u202eroll", "pay\ufffdroll"),
        ("a\u200b\ufeff\u2060\xadb", "a\ufffdb"),
        ("\x1b[31;1mred\x1b[0m", "\ufffdred\ufffd"),
        ("\x1b]8;;http://evil.example\x07link\x1b]8;;\x1b\\", "\ufffdlink\ufffd"),
        ("\x9b2Ja\x00\x07b\x7f", "\ufffd2Ja\ufffdb\ufffd"),
        ("a" + "".join(chr(0xE0000 + ord(c)) for c in "ignore") + "b", "a\ufffdb"),
        ("a" + "".join(chr(0xE0100 + c) for c in range(240)) + "b", "a\ufffdb"),
        ("a\u200d\u200c\u200db", "a\ufffdb"),
        ("x\ufe0f\ufe0e\ufe00y", "x\ufffdy"),
        ("\u3164\u115f\u1160\uffa0", "\ufffd"),
        ("a\ud800b", "a\ufffdb"),
        # Where they belong: a family, a heart, a keycap, Persian.
        *(
            (text, text)
            for text in ("👩\u200d❤\ufe0f\u200d👨", "❤\ufe0f", "1\ufe0f⃣", "\u0645\u06cc\u200c\u062e")
        ),
    ],
)
def test_foreign_text_is_made_readable(text: str, shown: str) -> None:
    assert readable(text) == shown


HIDDEN = {
    chr(code)
    for codes in (
        range(9),
        range(11, 32),
        range(127, 160),
        range(0x202A, 0x202F),
        range(0x2066, 0x206A),
        range(0xE0000, 0xE0200),
    )
    for code in codes
} | set("\u200b\u200e\u200f\ufeff\u2028\u2029")


@given(st.text(st.characters() | st.sampled_from("\u200c\u200d\ufe0f\x1b[]ab1❤\u0645"), max_size=60))
def test_readable_text_stays_and_nothing_hidden_is_left(text: str) -> None:
    shown = readable(text)
    assert readable(shown) == shown
    assert HIDDEN.isdisjoint(shown)
    assert all(readable(one) == one for one in shown if one not in "\u200c\u200d\ufe0e\ufe0f")


def test_only_the_offending_character_is_removed() -> None:
    assigned = (*range(0x30000), *range(0xE0000, 0xE1001))
    every = [chr(code) for code in assigned if chr(code) not in "\n\r \x85\u2028\u2029"]
    together = readable("\u200b ".join(every)).split(
        " "
    )  # it contains something hidden, so each character is checked
    assert [one.rstrip("\ufffd") for one in together] == [readable(one).rstrip("\ufffd") for one in every]


@given(st.text())
def test_an_escaped_line_of_json_means_the_same(text: str) -> None:
    line = json.dumps({"a": text}, ensure_ascii=False)
    assert json.loads(escaped(line)) == {"a": text}
    assert len(escaped(line).splitlines()) == 1
    assert HIDDEN.isdisjoint(escaped(line))


@pytest.mark.parametrize("piece", ["\x1b]", "\x1b[1;", "\u200d", "a\u200b", "\x9b\x1b]8;;x"])
def test_making_text_readable_takes_linear_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    started = time.process_time()
    readable(text)
    assert time.process_time() - started < 2


@given(st.text(max_size=200), st.integers(5, 100))
def test_a_brief_name_is_the_name_or_its_beginning_and_end(name: str, most: int) -> None:
    shown = brief(name, most)

    end = most // 3
    if len(name) <= most:
        assert shown == name
    else:
        assert len(shown) == most
        assert shown[most - end - 1] == "…"
        assert name.startswith(shown[: most - end - 1])
        assert name.endswith(shown[-end:])
