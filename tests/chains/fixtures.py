"""A chain for a test: `evm_chain`. What a test did on it is undone after it."""

import pytest


@pytest.fixture(scope="session")
def evm_process(tmp_path_factory):
    from tests.chains.evm import EvmChain  # a second of imports, for those who need them

    chain = EvmChain(tmp_path_factory.mktemp("anvil"))
    yield chain
    chain.close()


@pytest.fixture
def evm_chain(evm_process):
    """Mined at once; `mine`, `finalize`, `reorg` and `pay` are its verbs, `usdt` is its token."""
    assert evm_process.usdt
    before = evm_process.snapshot()
    yield evm_process
    evm_process.forget(before)
