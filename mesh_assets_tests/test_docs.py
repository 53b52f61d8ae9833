"""What README and docs/ name exists: pages and headings, files and what is in them, commands and their options, make's targets,
variables. Docstrings and comments name pages, too."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click

from mesh_assets.cli.main import cli

ROOT = Path(__file__).parents[1]
OUR_FILES = re.compile(r"[\w./-]+\.(?:py|avsc|js|tf|tpl)")
"""In pages, files of these kinds are always ours; YAML and JSON files may belong to users or the store."""
OF_OTHER_PROGRAMS = {"--clusters", "--dist", "--kill", "--no-deps", "--read-only", "--set"}
"""bench.fleet's, pytest's, pip's, a container engine's and helm's."""


@cache
def tracked() -> tuple[str, ...]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(name for name in listed.stdout.splitlines() if (ROOT / name).is_file())


@cache
def pages() -> dict[Path, str]:
    """All but the changelog, which names things of the past."""
    named = [
        ROOT / name for name in tracked() if re.match(r"(README|docs/.*|terraform/.*|deploy/.*)\.md", name)
    ]
    assert len(named) > 30
    return {path: path.read_text(encoding="utf-8") for path in named}


def code_of(page: str) -> Iterator[str]:
    """The code in a page: lines of blocks, continued ones joined, and inline code."""
    fence = re.compile(r"```.*?\n(.*?)```", re.DOTALL)
    for block in fence.findall(page):
        yield from block.replace("\\\n", " ").splitlines()
    yield from re.findall(r"`([^`]+)`", fence.sub("", page))


def anchors(page: str) -> set[str]:
    """Anchors of headings, as on GitHub."""
    without_links = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", page)
    headings = re.findall(r"^#+ (.+)$", without_links, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.strip().lower()).replace(" ", "-") for one in headings}


def test_every_link_of_a_page_leads_somewhere() -> None:
    broken = []
    for path, page in pages().items():
        for target, heading in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", page):
            to = (path.parent / target).resolve() if target else path
            if not to.exists() or (heading and heading not in anchors(to.read_text(encoding="utf-8"))):
                broken.append(f"{path.relative_to(ROOT)}: {target}#{heading}")
    assert broken == []


def test_every_file_that_a_page_names_is_here() -> None:
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, page in pages().items()
        for name in code_of(page)
        if OUR_FILES.fullmatch(name)
        and name != "backend.tf"  # the user's own
        and not any(f"/{one}".endswith(f"/{name}") for one in tracked())
    ]
    assert missing == []


def test_what_a_page_says_is_in_a_file_is_there() -> None:
    found = [
        (path.name, name, file)
        for path, page in pages().items()
        for name, file in re.findall(r"`(\w+)` in\s`([\w/]+\.py)`", page)
    ]
    assert len(found) > 5
    texts = {
        file: "".join(
            (ROOT / one).read_text(encoding="utf-8") for one in tracked() if f"/{one}".endswith(f"/{file}")
        )
        for _, _, file in found
    }
    assert [one for one in found if not re.search(rf"\b{one[1]}\b", texts[one[2]])] == []


def test_every_page_that_code_names_is_here() -> None:
    missing = {
        f"{name}: {page}"
        for name in tracked()
        if name.endswith((".py", ".tf", ".yaml", ".yml", ".toml", "Makefile", "Dockerfile"))
        for page in re.findall(r"(?<![\w/-])docs/[\w/-]+\.md", (ROOT / name).read_text(encoding="utf-8"))
        if not (ROOT / page).is_file()
    }
    assert missing == set()


def options_of(command: click.Command) -> set[str]:
    return {"--help"} | {name for one in command.params for name in (*one.opts, *one.secondary_opts)}


def every_option(command: click.Command) -> set[str]:
    if not isinstance(command, click.Group):
        return options_of(command)
    context = click.Context(command)
    below = [command.get_command(context, name) for name in command.list_commands(context)]
    return options_of(command).union(*(every_option(one) for one in below if one is not None))


def misused(words: list[str]) -> Iterator[str]:
    """The parts of a `mesh-assets` call that do not exist. Inline code may end within a call."""
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        names = words.pop(0)
        found = [(name, command.get_command(click.Context(command), name)) for name in names.split("|")]
        yield from (f"there is no command {name}" for name, one in found if one is None)
        if len(found) > 1 or found[0][1] is None:
            return
        command = found[0][1]
    known = every_option(command)
    used = {name for word in words for name in re.findall(r"^\[?(--[a-z][\w-]*)", word)}
    yield from (f"{command.name} has no {name}" for name in sorted(used - known))


def test_every_call_of_mesh_assets_in_a_page_is_one_that_works() -> None:
    calls = [
        (path, call)
        for path, page in pages().items()
        for code in code_of(page)
        for call in re.findall(r"(?:^|[\s/])mesh-assets ((?:[a-z]|-)[^;&>#()…]*)", code.replace(r"\|", "|"))
    ]
    assert len(calls) > 100
    wrong = [
        f"{path.relative_to(ROOT)}: mesh-assets {call}: {fault}"
        for path, call in calls
        for fault in misused(call.split())
    ]
    assert wrong == []


def test_every_option_that_a_page_explains_is_one_of_a_command() -> None:
    explained = {
        (str(path.relative_to(ROOT)), name)
        for path, page in pages().items()
        for name in re.findall(r"`(--[a-z][\w-]*)", page)
    }
    known = every_option(cli) | OF_OTHER_PROGRAMS
    assert {one for one in explained if one[1] not in known} == set()


def test_every_target_module_and_variable_that_a_page_names_exists() -> None:
    named = "\n".join(code for page in pages().values() for code in code_of(page))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z-]+)", named, re.MULTILINE)) - targets == set()
    modules = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in tracked()}
    ours = set(re.findall(r"python -m ((?:mesh_assets\w*|bench)[\w.]*)", named))
    assert ours - modules == set()
    code = "\n".join(
        (ROOT / name).read_text(encoding="utf-8") for name in tracked() if name.endswith((".py", ".yaml"))
    )
    variables = set(re.findall(r"\bMESH_[A-Z_0-9]+", named))
    assert variables
    assert {name for name in variables if not re.search(rf"\b{name}\b", code)} == set()
