"""Kafka clients for the sandbox's own use. They log nothing: here, a broker that is not up yet is expected."""

import logging
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

# librdkafka otherwise writes every refused connection to stderr.
_silent = logging.getLogger("mesh_assets.sandbox.librdkafka")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in at a broker that asks for SASL/PLAIN."""

    username: str
    password: str = field(repr=False)


def quiet_settings(bootstrap_servers: str, login: Login | None = None) -> dict[str, Any]:
    """The settings that all of the sandbox's clients share.

    `broker.address.family` stays `any`: with `v4`, librdkafka cannot resolve even 127.0.0.1 on a machine
    whose only network is loopback.
    """
    return {
        "bootstrap.servers": bootstrap_servers,
        "logger": _silent,
        "log_level": 0,
        "error_cb": lambda _: None,
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 1000,
        **(_sasl(login) if login else {}),
    }


def _sasl(login: Login) -> dict[str, str]:
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": login.username,
        "sasl.password": login.password,
    }


def admin_client(bootstrap_servers: str, login: Login | None = None) -> AdminClient:
    return AdminClient(quiet_settings(bootstrap_servers, login))


def broker_answers(bootstrap_servers: str, *, seconds: float, login: Login | None = None) -> str | None:
    """None when a broker answers a metadata request, else what went wrong."""
    try:
        metadata = admin_client(bootstrap_servers, login).list_topics(timeout=seconds)
    except KafkaException as error:
        return str(error.args[0].str())
    return None if metadata.brokers else "it knows no broker yet"
