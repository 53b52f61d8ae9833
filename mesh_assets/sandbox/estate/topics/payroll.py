"""Employees and what they are paid."""

from mesh_assets.sandbox.estate.fields import choice, day, instant, maybe, own, ref, shared, whole, word
from mesh_assets.sandbox.estate.topic import DAY_MS, Topic, configs
from mesh_assets.sandbox.estate.vocabulary import (
    ADDRESS,
    EMPLOYEE,
    MONEY,
    email,
    first_name,
    last_name,
    social_security_number,
)

TOPICS = (
    Topic(
        name="payroll_bonus",
        per_minute=3,
        config=configs(retention_ms=3650 * DAY_MS),
        fields={
            "employee_id": ref(EMPLOYEE),
            "entity_name": word("Example Inc", "Example GmbH"),
            "bonus": shared(MONEY),
            "granted_at": instant(),
        },
    ),
    Topic(
        name="payroll_employee",
        population=EMPLOYEE,
        per_minute=2,
        config=configs(cleanup_policy="compact"),
        fields={
            "employee_id": own(EMPLOYEE),
            "first_name": first_name(),
            "last_name": last_name(),
            "email": email(),
            "ssn": social_security_number(),
            "hourly_rate": whole(15, 120),
            "hire_date": day(),
            "department": maybe(choice("sales", "engineering", "support"), since=2),
        },
    ),
    Topic(
        name="payroll_employee_location",
        population=EMPLOYEE,
        per_minute=2,
        config=configs(cleanup_policy="compact", file_delete_delay_ms=30_000),
        fields={
            "employee_id": own(EMPLOYEE),
            "lab": word("Lab 1", "Lab 2", "Lab 3"),
            "office_address": shared(ADDRESS),
        },
    ),
)
