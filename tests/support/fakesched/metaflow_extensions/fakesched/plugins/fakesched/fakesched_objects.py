import os
import signal
import sys
from pathlib import Path

from metaflow.exception import MetaflowException
from metaflow.runner.deployer import DeployedFlow, Deployer, TriggeredRun
from metaflow.runner.utils import get_lower_level_group, handle_timeout, temporary_fifo

from .fakesched_store import deployments, read, run_folder


class FakeTriggeredRun(TriggeredRun):
    @property
    def status(self):
        code = run_folder(self.pathspec) / "exit"
        if not code.exists():
            return "RUNNING"
        return "SUCCEEDED" if code.read_text().strip() == "0" else "FAILED"

    def terminate(self, **kwargs):
        folder = run_folder(self.pathspec)
        try:
            os.killpg(int((folder / "pid").read_text()), signal.SIGKILL)
        except ProcessLookupError:
            return True
        (folder / "exit").write_text("9")
        return True


class FakeDeployedFlow(DeployedFlow):
    TYPE = "fakesched"

    def trigger(self, **kwargs):
        with temporary_fifo() as (path, descriptor):
            command = get_lower_level_group(
                self.deployer.api,
                self.deployer.top_level_kwargs,
                self.deployer.TYPE,
                self.deployer.deployer_kwargs,
            ).trigger(deployer_attribute_file=path, **kwargs)
            pid = self.deployer.spm.run_command(
                [sys.executable, *command],
                env=self.deployer.env_vars,
                cwd=self.deployer.cwd,
                show_output=self.deployer.show_output,
            )
            process = self.deployer.spm.get(pid)
            content = handle_timeout(descriptor, process, self.deployer.file_read_timeout)
            process.sync_wait()
            if process.process.returncode == 0:
                return FakeTriggeredRun(deployer=self.deployer, content=content)
        raise Exception(f"Error triggering {self.deployer.flow_file}")

    @classmethod
    def from_deployment(cls, identifier, metadata=None):
        record = read(identifier)
        if record is None:
            raise MetaflowException(f"No deployment {identifier}")
        deployer = Deployer(record["flow_file"]).fakesched()
        deployer.name, deployer.flow_name = identifier, record["flow_name"]
        deployer.metadata = record["metadata"]
        return cls(deployer=deployer)

    @classmethod
    def list_deployed_flows(cls, flow_name=None):
        for record in deployments():
            if flow_name in (None, record["flow_name"]) and Path(record["flow_file"]).exists():
                yield cls.from_deployment(record["name"])

    @classmethod
    def get_triggered_run(cls, identifier, run_id, metadata=None):
        import json

        deployed = cls.from_deployment(identifier)
        pathspec = f"{deployed.flow_name}/{run_id}"
        content = {"pathspec": pathspec, "name": identifier, "metadata": deployed.metadata}
        return FakeTriggeredRun(deployer=deployed.deployer, content=json.dumps(content))
