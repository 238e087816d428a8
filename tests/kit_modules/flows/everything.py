"""One of everything that a plan describes."""

from metaflow import (
    Config,
    FlowSpec,
    JSONType,
    Parameter,
    catch,
    config_expr,
    environment,
    project,
    resources,
    retry,
    step,
    timeout,
)

HOSTILE = "a b $HOME `x` {{y}} \"q' \\ \n Zoë %s"


def evaluated(context):
    return f"by {context.user_name}"


@project(name=config_expr("settings.project"))
class Everything(FlowSpec):
    settings = Config("settings", default_value='{"project": "demo", "text": "{{x}} $HOME"}')
    alpha = Parameter("alpha", default=1, type=int, help='It\'s a "count".')
    hostile = Parameter("Hostile-Text", default=HOSTILE)
    later = Parameter("later", default=evaluated)
    needed = Parameter("needed", required=True)
    data = Parameter("data", type=JSONType, default='{"k": [1, null]}')
    flag = Parameter("flag", type=bool, default=False)
    ratio = Parameter("ratio", type=float)

    @retry(times=4, minutes_between_retries=2)
    @catch(var="oops")
    @timeout(minutes=1, seconds=5)
    @resources(cpu=2, memory=1000)
    @environment(vars={"TEXT": config_expr("settings.text")})
    @step
    def start(self):
        self.items = [1, 2]
        self.next(self.left, self.right)

    @step
    def left(self):
        self.items = [1]
        self.next(self.outer, foreach="items")

    @step
    def outer(self):
        self.next(self.inner, foreach="items")

    @step
    def inner(self):
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.next(self.left_join)

    @step
    def left_join(self, inputs):
        self.next(self.join)

    @step
    def right(self):
        self.way = "a"
        self.next({"a": self.case_a, "b": self.merge, "c": self.right}, condition="way")

    @step
    def case_a(self):
        self.next(self.merge)

    @step
    def merge(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Everything()
