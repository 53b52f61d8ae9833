"""What a test would write, and a verdict, for people."""

from collections.abc import Iterator

from mesh_assets.esm.proof import Produced, ProducePlan, Validation


def produce_plan_text(plan: ProducePlan, *, how: str) -> Iterator[str]:
    """`how`: the command that would do it, without the id."""
    where = f"with key {plan.key!r}" if plan.key is not None else "one partition after the other"
    yield f"Plan {plan.id}: write {plan.messages:,} test messages of {plan.bytes_each:,} bytes into {plan.topic}, {where}"
    yield f"  brokers       {plan.endpoint}"
    yield f"  partitions    {len(plan.partitions)}"
    if plan.group is not None:
        yield f"  meant for     group {plan.group}"
    if plan.other_groups is None:
        yield f"  also read by  not known: {plan.other_groups_error}"
    elif plan.other_groups:
        yield f"  also read by  {', '.join(plan.other_groups)}: they will receive the test messages as well"
    else:
        yield "  also read by  no other group"
    yield ""
    yield f"Nothing has been written. To do it: {how} --apply {plan.id}"


def produced_text(produced: Produced) -> Iterator[str]:
    yield f"Done: {produced.messages:,} test messages are in {produced.topic}, acknowledged within {produced.seconds:.1f} s"
    yield f"  test id       {produced.test_id}"
    for written in produced.partitions:
        yield f"  partition {written.partition:<4}offsets {written.first} to {written.last}"


def validation_text(found: Validation) -> Iterator[str]:
    yield f"{found.verdict.name.upper()}: {found.verdict.sentence}"
    if found.verdict.advice:
        yield f"  what to do    {found.verdict.advice}"
    yield f"  mapping       {found.uuid}   {found.topic} → {found.function}   {found.mapping_state}   last result: {found.last_result}"
    yield f"  group         {found.group}   {', '.join(sorted({member.client_id for member in found.members})) or 'no member was seen'}"
    for one in found.progress:
        before = "nothing" if one.committed_before is None else str(one.committed_before)
        after = "nothing" if one.committed is None else str(one.committed)
        yield f"  partition {one.partition:<4}committed {before} → {after}, needs {one.last + 1}{'' if one.passed else '   NOT PASSED'}"
    if found.counts is not None:
        yield f"  counts        {', '.join(f'{name} {value:,}' for name, value in found.counts.told().items()) or 'none arrived'}"
