"""The connection to the engine: to which, how it is secured, and in words why it fails."""

import os
from collections.abc import Mapping

from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from runbook.drivers.temporal.codec import Open, codec_of
from runbook.model.diagnostics import Code, Diagnostic, Refused

UNREACHED = Code(
    number="RB592",
    title="engine out of reach",
    why="Runs that are submitted are walked on a Temporal server. It does not answer at that address, or refuses the "
    "connection. Nothing was begun, and nothing that runs already is lost: it goes on when the engine is back.",
)


async def connected(address: str, namespace: str, environ: Mapping[str, str] = os.environ) -> Client:
    """A client of the engine.

    Certificates, keys and an API key are taken from where every program that uses Temporal looks for them:
    ``$TEMPORAL_TLS_CLIENT_CERT_PATH`` and the like, or a profile in its configuration file.

    :raises Refused: if there is none to be had.
    """
    codec = codec_of(environ) or Open()
    try:
        config = ClientConfig.load_client_connect_config(override_env_vars=dict(environ))
        config["target_host"], config["namespace"] = address, namespace
        return await Client.connect(**config, data_converter=DataConverter(payload_codec=codec))
    except (RuntimeError, RPCError, OSError, ValueError) as error:
        raise unreached(address, error) from None


def unreached(address: str, error: Exception) -> Refused:
    """What a user is told when the engine does not do what it should."""
    why = " ".join(str(error).split())[:200]
    help_ = "look whether the Temporal server runs, and that --engine, --namespace and $TEMPORAL_TLS_* are its own"
    return Refused(Diagnostic(code=UNREACHED, message=f"the engine at {address} does not answer: {why}", help=help_))
