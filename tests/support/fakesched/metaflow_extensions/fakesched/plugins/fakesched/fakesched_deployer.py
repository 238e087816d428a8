"""A scheduler for the kit's tests: it runs Metaflow's local runtime in the background.

It knows nothing of the kit and declares nothing, like any extension of somebody else.
"""

from metaflow.runner.deployer_impl import DeployerImpl


class FakeDeployer(DeployerImpl):
    TYPE = "fakesched"

    def __init__(self, deployer_kwargs, **kwargs):
        self._deployer_kwargs = deployer_kwargs
        super().__init__(**kwargs)

    @property
    def deployer_kwargs(self):
        return self._deployer_kwargs

    @staticmethod
    def deployed_flow_type():
        from .fakesched_objects import FakeDeployedFlow

        return FakeDeployedFlow

    def create(self, **kwargs):
        from .fakesched_objects import FakeDeployedFlow

        return self._create(FakeDeployedFlow, **kwargs)
