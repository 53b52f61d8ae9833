"""What every field of an estate file has in common."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from mesh_assets.estate.fields import EstateModel
from mesh_assets.estate.file import parse_estate
from mesh_assets.estate.model import Estate
from mesh_assets_tests.estates import findings

SMALL = "clusters: {warehouse: {kafka: {bootstrap_servers: x}}}\n"


def models(of: type[EstateModel]) -> Iterator[type[EstateModel]]:
    for model in of.__subclasses__():
        yield model
        yield from models(model)


def numbers() -> Iterator[Any]:
    """The fields that the JSON Schema calls numbers, and not also true or false."""
    assert Estate in models(EstateModel)
    for model in dict.fromkeys(models(EstateModel)):
        for name, field in model.model_json_schema().get("properties", {}).items():
            types = {one.get("type") for one in (field, *field.get("anyOf", ()))}
            if types & {"integer", "number"} and "boolean" not in types:
                yield pytest.param(model, name, id=f"{model.__name__}.{name}")


@pytest.mark.parametrize(("model", "name"), list(numbers()))
def test_yes_is_not_a_number(model: type[EstateModel], name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate({name: True})
    said = [one["type"] for one in caught.value.errors() if one["loc"][0] == name]
    assert said
    assert set(said) <= {"int_parsing", "float_parsing", "int_type", "float_type"}


def test_yes_for_a_number_is_named_with_its_line() -> None:
    [sentence] = findings(f"{SMALL}retention:\n  documents: {{newest: yes}}\n")
    assert sentence == "estate.yaml:3: retention.documents.newest: expected a whole number"


def test_yes_is_still_a_choice_and_a_value_of_a_config() -> None:
    rule = "{name: a, owner_required: on, configs: {unclean.leader.election.enable: no}}"
    [read] = parse_estate(f"{SMALL}policy: {{rules: [{rule}]}}\n", source="estate.yaml").policy.rules
    assert (read.owner_required, read.configs["unclean.leader.election.enable"].one_of) == (True, ("false",))
