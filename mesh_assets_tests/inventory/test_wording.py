import pytest

from mesh_assets.inventory.wording import (
    bytes_text,
    counted,
    duration,
    figure,
    listed,
    one_line,
    plural,
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


def test_a_text_that_is_cut_says_so() -> None:
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
