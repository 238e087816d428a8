CLIS_DESC = [("fakesched", ".fakesched.fakesched_cli.cli")]
DEPLOYER_IMPL_PROVIDERS_DESC = [("fakesched", ".fakesched.fakesched_deployer.FakeDeployer")]
