import os
import subprocess
import sys

import pytest

from pictor.env import BadSetting
from pictor.guards import is_public, refuse_plain_http, refuse_unsafe_start

LAPTOP = {
    "environment": "",
    "demo": True,
    "debug": False,
    "second_step": True,
    "simulated": False,
    "site_url": "http://127.0.0.1:8000",
}
PRODUCTION = {
    "environment": "production",
    "demo": False,
    "debug": False,
    "second_step": True,
    "simulated": False,
    "site_url": "https://pictor.example",
}


class RefuseUnsafeStartTests:
    @pytest.mark.parametrize(
        "site_url", ["http://127.0.0.1:8000", "http://localhost", "http://192.168.1.7:8000", "http://studio.local"]
    )
    def test_the_demo_runs_on_a_laptop_and_in_a_studio(self, site_url):
        refuse_unsafe_start(**LAPTOP | {"site_url": site_url})

    @pytest.mark.parametrize(
        "site_url", ["https://pictor.example", "http://pictor.example", "http://8.8.8.8", "https://127.0.0.1"]
    )
    def test_the_demo_refuses_a_public_address(self, site_url):
        assert is_public(site_url)
        with pytest.raises(BadSetting, match="PICTOR_DEMO"):
            refuse_unsafe_start(**LAPTOP | {"site_url": site_url})

    def test_production_refuses_the_demo_wherever_it_runs(self):
        with pytest.raises(BadSetting, match="PICTOR_DEMO"):
            refuse_unsafe_start(**LAPTOP | {"environment": "production"})

    def test_production_refuses_debug_pages(self):
        with pytest.raises(BadSetting, match="DEBUG"):
            refuse_unsafe_start(**PRODUCTION | {"debug": True})

    def test_production_runs_without_either(self):
        refuse_unsafe_start(**PRODUCTION)

    @pytest.mark.parametrize("environment", ["production", ""])
    def test_operators_with_one_key_only_are_refused_where_strangers_are(self, environment):
        with pytest.raises(BadSetting, match="STAFF_SECOND_STEP"):
            refuse_unsafe_start(**PRODUCTION | {"second_step": False, "environment": environment})

    def test_on_a_laptop_operators_may_do_without(self):
        refuse_unsafe_start(**LAPTOP | {"second_step": False})

    @pytest.mark.parametrize("environment", ["production", ""])
    def test_played_gpus_are_refused_where_strangers_are(self, environment):
        with pytest.raises(BadSetting, match="SIMULATED_GPUS"):
            refuse_unsafe_start(**PRODUCTION | {"simulated": True, "environment": environment})

    def test_on_a_laptop_gpus_may_be_played(self):
        refuse_unsafe_start(**LAPTOP | {"simulated": True})

    def test_an_unknown_word_is_not_taken_for_safety(self):
        with pytest.raises(BadSetting, match="PICTOR_ENV"):
            refuse_unsafe_start(**LAPTOP | {"environment": "prod"})

    def test_the_process_itself_does_not_start(self):
        environment = os.environ | {"PICTOR_ENV": "production", "PICTOR_DEMO": "1", "DEBUG": ""}
        done = subprocess.run([sys.executable, "manage.py", "check"], env=environment, capture_output=True, text=True)
        assert done.returncode != 0
        assert done.stderr.strip().startswith("PICTOR_DEMO=1")
        assert len(done.stderr.strip().splitlines()) == 1


class RefusePlainHttpTests:
    NODE = {"EVM_NODE_URL": "http://127.0.0.1:8545"}

    def test_a_stand_in_on_this_machine_is_fine_while_developing(self):
        refuse_plain_http(environment="", urls=self.NODE)

    def test_production_asks_no_node_and_no_bank_without_tls(self):
        with pytest.raises(BadSetting, match="EVM_NODE_URL"):
            refuse_plain_http(environment="production", urls=self.NODE)
        refuse_plain_http(environment="production", urls={"EVM_NODE_URL": "https://node.example", "APTOS_NODE_URL": ""})

    def test_nobody_asks_a_public_address_without_tls(self):
        with pytest.raises(BadSetting, match="PAYPAL_API_URL"):
            refuse_plain_http(environment="", urls={"PAYPAL_API_URL": "http://api-m.paypal.com"})

    @pytest.mark.parametrize("name", ["PAYPAL_API_URL", "APTOS_NODE_URL", "EVM_NODE_URL", "GOOGLE_TOKEN_URL"])
    def test_the_process_itself_does_not_start(self, name):
        environment = os.environ | {"PICTOR_ENV": "production", "PICTOR_DEMO": "", "DEBUG": "", name: "http://127.0.0.1:9"}
        done = subprocess.run([sys.executable, "manage.py", "check"], env=environment, capture_output=True, text=True)
        assert done.returncode != 0
        assert done.stderr.strip().startswith(f"{name}=http://127.0.0.1:9")
