"""What all commands of a flow have in common in a :class:`Plan`: top-level options, variables.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from metaflow import metaflow_config
from metaflow.decorators import flow_decorators
from metaflow.user_configs.config_options import ConfigInput
from metaflow.user_configs.config_parameters import dump_config_values

from .plan import Code, Identity

#: Metaflow settings that a task needs for clients, cards and files of its own (clause G7). Keys and
#: headers of services are left out: they are secrets, and a worker has its own.
_SETTINGS = (
    "DATASTORE_SYSROOT_S3",
    "DATASTORE_SYSROOT_AZURE",
    "DATASTORE_SYSROOT_GS",
    "DATATOOLS_S3ROOT",
    "DATATOOLS_AZUREROOT",
    "DATATOOLS_GSROOT",
    "DATATOOLS_LOCALROOT",
    "CARD_S3ROOT",
    "CARD_AZUREROOT",
    "CARD_GSROOT",
    "CARD_LOCALROOT",
    "S3_ENDPOINT_URL",
    "S3_SERVER_SIDE_ENCRYPTION",
    "AZURE_STORAGE_BLOB_SERVICE_ENDPOINT",
    "DEFAULT_SECRETS_BACKEND_TYPE",
    "AWS_SECRETS_MANAGER_DEFAULT_REGION",
    "GCP_SECRET_MANAGER_PREFIX",
    "AZURE_KEY_VAULT_PREFIX",
)


def options_of(obj: Any) -> tuple[tuple[str, ...], ...]:
    """The options before `init` and `step`, pinned to what `create` saw (clauses D8, D10)."""
    options: dict[str, Any] = {
        "quiet": True,
        "no-pylint": True,
        "metadata": obj.metadata.TYPE,
        "environment": obj.environment.TYPE,
        "datastore": obj.flow_datastore.TYPE,
        "datastore-root": obj.flow_datastore.datastore_root,
        "event-logger": obj.event_logger.TYPE,
        "monitor": obj.monitor.TYPE,
    }
    for deco in flow_decorators(obj.flow):
        options.update(deco.get_top_level_options())
    return tuple(option for name, value in options.items() for option in _option(name, value))


def _option(name: str, value: Any) -> Iterable[tuple[str, ...]]:
    flag = "--" + name.replace("_", "-")
    if value is None or value is False:
        return
    if value is True:
        yield (flag,)
        return
    for item in value if isinstance(value, list | tuple | set) else [value]:
        yield (flag, str(item))


def environment_of(obj: Any, identity: Identity, scheduler: str, code: Code) -> dict[str, str]:
    """The variables of every command, the worker's own notwithstanding (clauses G1 to G9)."""
    version = dict(obj.environment.get_environment_info())
    version.update(flow_name=identity.flow_name, production_token=identity.production_token)
    service_url = metaflow_config.SERVICE_INTERNAL_URL
    variables: dict[str, Any] = {
        "METAFLOW_USER": identity.owner,
        "METAFLOW_OWNER": identity.owner,
        "METAFLOW_PRODUCTION_TOKEN": identity.production_token,
        "METAFLOW_DEFAULT_DATASTORE": obj.flow_datastore.TYPE,
        "METAFLOW_DEFAULT_METADATA": obj.metadata.TYPE,
        "METAFLOW_DEFAULT_ENVIRONMENT": obj.environment.TYPE,
        "METAFLOW_SERVICE_URL": service_url,
        "METAFLOW_CODE_URL": code.url,
        "METAFLOW_CODE_SHA": code.sha,
        "METAFLOW_CODE_DS": code.datastore,
        "METAFLOW_CODE_METADATA": code.metadata,
        "METAFLOW_FLOW_NAME": identity.flow_name,
        "METAFLOW_FLOW_FILENAME": code.script,
        "METAFLOW_VERSION": json.dumps(version, sort_keys=True, default=str),
        "PYTHONUNBUFFERED": "1",
        **{f"METAFLOW_{name}": getattr(metaflow_config, name, None) for name in _SETTINGS},
        **obj.metadata.get_runtime_environment(scheduler),
        "USER": identity.owner,
    }
    if obj.flow_datastore.TYPE == "local":
        # The root that Metaflow hands around ends in `.metaflow`; the setting is its parent.
        root = Path(obj.flow_datastore.datastore_root)
        variables["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = str(root.parent)
    configs = dump_config_values(obj.flow).get("user_configs", {})
    if configs:
        # Values stay in the config file; the variable only points there. A resolved value here
        # would go through the user's parser a second time (clause G6).
        pointers = {name: ConfigInput.make_key_name(name) for name in sorted(configs)}
        variables["METAFLOW_FLOW_CONFIG_VALUE"] = json.dumps(pointers)
    return {key: str(value) for key, value in sorted(variables.items()) if value not in (None, "")}
