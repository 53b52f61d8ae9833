"""Whether what a list shows no more is gone, or only not shown.

A list can be filtered by missing rights without a word (Kafka does so with topics and groups; whether
Confluent Cloud does so with connectors is not documented), or come from a server that does not know
everything yet. Taken for the truth it would be a deletion of everything that it leaves out. So what vanished
is asked for by its name: only "not found" makes it a deletion.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.platforms.presence import Presence

ASKED_AT_MOST = 10
"""Of what vanished at once: enough to notice a filter, whatever its pattern, and few enough for every run and
every look of a sensor."""

_NAMED = 3

AskPresence = Callable[[Sequence[str]], Mapping[str, Presence]]


def confirm_gone(vanished: Collection[str], ask: AskPresence, *, noun: str, source: str, advice: str) -> None:
    """Returns when what `vanished` is gone, as far as asking for ASKED_AT_MOST of it tells. Raises
    PlatformError otherwise.

    ask: asks `source` for some by their names. noun: what they are, in the plural. advice: what to do about
    missing rights, as a clause. More than can be asked for are asked for at even distances in the order of
    their names, since rights go by prefixes.
    """
    names = sorted(vanished)
    asked = (
        names
        if len(names) <= ASKED_AT_MOST
        else [names[number * len(names) // ASKED_AT_MOST] for number in range(ASKED_AT_MOST)]
    )
    if not asked:
        return
    answers = ask(asked)
    here = [name for name in asked if answers[name] == "here"]
    refused = [name for name in asked if answers[name] == "refused"]
    if not here and not refused:
        return
    told = (
        f"{_some(here)} there when asked for by name"
        if here
        else f"refuses to say whether {_some(refused)} there"
    )
    raise UnexpectedAnswerError(
        f"{source} lists {len(names):,} {noun[:-1] if len(names) == 1 else noun} no more, yet {told}: the list is filtered by missing "
        f"rights or not whole, so nothing is taken for deleted; {advice}"
    )


def one_by_one(presence: Callable[[str], Presence]) -> AskPresence:
    """For a source that has a request for each; all of them at the same time."""

    def ask(names: Sequence[str]) -> Mapping[str, Presence]:
        with ThreadPoolExecutor(max_workers=max(1, len(names)), thread_name_prefix="vanished") as pool:
            return dict(zip(names, pool.map(presence, names), strict=True))

    return ask


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown}{', …' if len(names) > _NAMED else ''} {'is' if len(names) == 1 else 'are'} still"
