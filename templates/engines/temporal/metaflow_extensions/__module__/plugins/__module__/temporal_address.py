"""Which Temporal server this extension talks to, and how what travels there is packed.

Imported by commands, so it imports the SDK inside functions only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from temporalio.client import Client


@dataclass(frozen=True, slots=True)
class Address:
    """A namespace of a Temporal server, and how to get in.

    Attributes:
        host: `host:port` of the server's front end.
        namespace: Temporal's namespace; it holds deployments and runs.
        ui: where people look at runs in a browser.
        api_key: a key of Temporal Cloud, or empty.
        tls: whether to encrypt although there are no certificates of our own.
        tls_ca: file with the certificate of the server's authority, or empty.
        tls_cert: file with our certificate, for mTLS, or empty.
        tls_key: file with its key.
        heartbeat: seconds without a word after which a task counts as lost with its worker.
        history: events after which a run goes on in a new history, for tests.
        routes: which steps go to workers of their own; see :func:`.temporal_orders.routed`.
    """

    host: str = "127.0.0.1:7233"
    namespace: str = "default"
    ui: str = "http://127.0.0.1:8233"
    api_key: str = ""
    tls: str = ""
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    heartbeat: str = "60"
    history: str = ""
    routes: str = ""

    def to_json(self) -> str:
        """The address as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Address:
        """The address that :meth:`to_json` wrote."""
        return cls(**json.loads(text))

    def link(self, run_id: str) -> str:
        """Where a run is shown in Temporal's UI."""
        return f"{self.ui.rstrip('/')}/namespaces/{self.namespace}/workflows/{run_id}"


def address(prefix: str, environment: Mapping[str, str]) -> Address:
    """The configured address: from the environment, else from Metaflow's configuration.

    Args:
        prefix: what the settings begin with: `METAFLOW_<prefix>_HOST` and so on.
        environment: the variables of a process.
    """
    from metaflow.metaflow_config_funcs import from_conf

    found = {}
    for name in Address.__dataclass_fields__:
        setting = f"{prefix}_{name.upper()}"
        value = environment.get(f"METAFLOW_{setting}") or from_conf(setting)
        if value:
            found[name] = str(value)
    return Address(**found)


async def connect(to: Address, *, identity: str | None = None) -> Client:
    """A client of the server.

    Raises:
        RuntimeError: the server does not answer.
        OSError: a certificate cannot be read.
    """
    from temporalio.client import Client, TLSConfig

    from .temporal_codec import converter

    tls: TLSConfig | bool = bool(to.tls or to.api_key)
    if to.tls_ca or to.tls_cert:
        tls = TLSConfig(
            server_root_ca_cert=_bytes(to.tls_ca),
            client_cert=_bytes(to.tls_cert),
            client_private_key=_bytes(to.tls_key),
        )
    return await Client.connect(
        to.host,
        namespace=to.namespace,
        api_key=to.api_key or None,
        tls=tls,
        identity=identity,
        data_converter=converter(),
    )


def _bytes(path: str) -> bytes | None:
    return Path(path).expanduser().read_bytes() if path else None
