"""Names that an extension cannot have, and what would break if it had them.

The lists are static: reading them from Metaflow would mean importing it. They hold the names of
Metaflow 2.19.23 to 2.19.39 (``metaflow/plugins/__init__.py``, ``metaflow/cli.py``,
``metaflow/runner/deployer.py``, ``metaflow/extension_support/__init__.py``), and a test compares
them with the Metaflow that is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_WHY = (
    (
        "check dump help init output-dot output-raw resume run show spin spin-step step version",
        "it is a command of every flow, and 'flow.py {name}' would no longer reach it",
    ),
    (
        "airflow argo-workflows batch card kubernetes logs package spot-metadata step-functions "
        "tag",
        "Metaflow has a plugin of that name, and the extension would replace it (clause A5)",
    ),
    (
        "airflow-internal argo-workflows-internal catch conda environment parallel pypi "
        "pytorch-parallel resources retry secrets step-functions-internal timeout "
        "unbounded-test-foreach-internal",
        "Metaflow has a step decorator of that name (clause A5)",
    ),
    (
        "airflow-external-task-sensor airflow-s3-key-sensor conda-base exit-hook project "
        "pypi-base schedule trigger trigger-on-finish",
        "Metaflow has a flow decorator of that name (clause A5)",
    ),
    (
        "azure gs local s3 service uv",
        "Metaflow has a datastore, metadata or environment provider of that name",
    ),
    (
        "cwd env file-read-timeout flow-file profile show-output top-level-kwargs",
        "every Deployer object has an attribute of that name, which would hide the method",
    ),
    (
        "alias cmd config exceptions plugins toplevel",
        "Metaflow refuses to be imported beside metaflow_extensions/{name}/ (clause A2)",
    ),
    (
        "deployment deployed-flows",
        "it would replace DeployedFlow.from_deployment or DeployedFlow.list_deployed_flows",
    ),
    ("metaflow", "its settings would be called METAFLOW_..., as Metaflow's own are"),
    (
        "orchestrator-kit stubs",
        "its distribution would be called metaflow-{name}, which is another project",
    ),
)

#: From a name, as a module, to the reason why it is taken: a clause without a full stop.
RESERVED: Mapping[str, str] = MappingProxyType(
    {
        name.replace("-", "_"): reason.replace("{name}", name)
        for names, reason in _WHY
        for name in names.split()
    }
)
