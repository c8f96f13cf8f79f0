"""The connection to the engine: to which, how it is secured, and in words why it fails."""

import logging
import os
import re
from collections.abc import Mapping

from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError, RPCStatusCode

from runbook.drivers.temporal.codec import Open, codec_of
from runbook.model.diagnostics import Code, Diagnostic, Refused

UNREACHED = Code(
    number="RB592",
    title="engine out of reach",
    why="Runs that are submitted are walked on a Temporal server. It does not answer at that address, or refuses the "
    "connection. Nothing was begun, and nothing that runs already is lost: it goes on when the engine is back.",
)


_SAID = re.compile(r'\b(?:message|error): (?:"([^"]+)"|(\w+))')
"""What a system or a protocol says, in the library's account of a connection that failed; the innermost stands last."""
_SILENT = frozenset({RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED})


async def connected(
    address: str, namespace: str, environ: Mapping[str, str] = os.environ, *, log: logging.Logger | None = None
) -> Client:
    """A client of the engine.

    Certificates, keys and an API key are taken from where every program that uses Temporal looks for them:
    ``$TEMPORAL_TLS_CLIENT_CERT_PATH`` and the like, or a profile in its configuration file.

    :param log: where the library's core complains; it writes to nobody's terminal.
    :raises Refused: if there is none to be had.
    """
    codec = codec_of(environ) or Open()
    try:
        config = ClientConfig.load_client_connect_config(override_env_vars=dict(environ))
        config["target_host"], config["namespace"] = address, namespace
        return await Client.connect(
            **config, data_converter=DataConverter(payload_codec=codec), runtime=Runtime(telemetry=_telemetry(log))
        )
    except (RuntimeError, RPCError, OSError, ValueError) as error:
        raise unreached(address, error) from None


def unreached(address: str, error: Exception) -> Refused:
    """What a user is told when the engine does not do what it should."""
    refused = isinstance(error, RPCError) and error.status not in _SILENT
    did = "refuses that" if refused else "does not answer"
    help_ = "look whether the Temporal server runs, and that --engine, --namespace and $TEMPORAL_TLS_* are its own"
    return Refused(
        Diagnostic(code=UNREACHED, message=f"the engine at {address} {did}: {in_words(str(error))}", help=help_)
    )


def in_words(error: str) -> str:
    """What the library's account of a failure comes down to."""
    text = " ".join(error.split())
    return next(("".join(said) for said in reversed(_SAID.findall(text))), text)[:200]


def _telemetry(log: logging.Logger | None) -> TelemetryConfig:
    if log is None:
        return TelemetryConfig(logging=None)
    bare = LogForwardingConfig(
        logger=log, append_target_to_name=False, prepend_target_on_message=False, append_log_fields_to_message=False
    )
    return TelemetryConfig(logging=LoggingConfig(TelemetryFilter(core_level="WARN", other_level="ERROR"), bare))
