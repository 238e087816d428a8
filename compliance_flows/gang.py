"""A gang of three nodes that start together."""

from metaflow import FlowSpec, current, parallel, step
from witness import witness


class MokGang(FlowSpec):
    """start, train on three nodes, join, end."""

    @step
    def start(self):
        """Asks for three nodes."""
        self.seen = witness(self)
        self.next(self.train, num_parallel=3)

    @parallel
    @step
    def train(self):
        """Each node knows its index and the size of the gang, and where its control task is."""
        self.seen = witness(self)
        self.node = [current.parallel.node_index, current.parallel.num_nodes]
        self.control = [current.parallel.control_task_id, current.parallel.main_ip]
        self.next(self.join)

    @step
    def join(self, inputs):
        """Sees every node."""
        self.seen = witness(self)
        self.nodes = sorted(node.node for node in inputs)
        self.next(self.end)

    @step
    def end(self):
        """Nothing left to do."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokGang()
