"""Every vector of a file made by other implementations: `pytest tests/users/test_aptos_vectors.py --vectors FILE` takes another."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as some

from users.wallets.aptos import Challenge, Proof, verify
from users.wallets.refusals import Reason, Refused

VECTORS = Path(__file__).with_name("vectors") / "aptos_sign_in.json"


def pytest_generate_tests(metafunc) -> None:
    for name, path in (("vector", metafunc.config.getoption("--vectors") or VECTORS), ("own_vector", VECTORS)):
        if name in metafunc.fixturenames:
            vectors = json.loads(path.read_text())["vectors"]
            metafunc.parametrize(name, vectors, ids=[vector["id"] for vector in vectors])


def challenge_of(vector: Mapping) -> Challenge:
    server = vector["server"]
    return Challenge(
        domain=server["domain"],
        origin=server["origin"],
        chain_id=server["chain_id"],
        chain_name=server["chain_name"],
        statement=server["message"],
        nonce=server["nonce"],
        expires_at=datetime.fromisoformat(server["expires_at"]),
        is_used=server["nonce_already_used"],
        siwa=server.get("expected_input") if vector["kind"] == "siwa" else None,
    )


def proof_of(vector: Mapping) -> Proof:
    said = vector["request"]
    if vector["kind"] == "siwa":
        return Proof(
            address=said["input"].get("address"),
            scheme=said["type"],
            public_key=said["publicKey"],
            signature=said["signature"],
            said=said["input"],
            siwa_version=said["version"],
        )
    return Proof(
        address=said["address"],
        scheme=said["public_key"]["scheme"],
        public_key=said["public_key"]["bcs_hex"],
        signature=said["signature"]["bcs_hex"],
        said=said["full_message"],
    )


def chain_of(vector: Mapping):
    def authentication_key_of(address: str) -> str:
        account = vector["chain"].get(address, {"available": False})
        if not account["available"]:
            raise Refused(Reason.CHAIN_UNAVAILABLE)
        return account["authentication_key"]

    return authentication_key_of


def answer(vector: Mapping, proof: Proof) -> str:
    now = datetime.fromisoformat(vector["server"]["now"])
    try:
        verify(proof, challenge_of(vector), now=now, authentication_key_of=chain_of(vector))
    except Refused as refused:
        return refused.reason
    return "ok"


def test_the_vector_is_answered_as_marked(vector):
    said = answer(vector, proof_of(vector))

    assert ("accept" if said == "ok" else "reject") == vector["expect"], said


def test_the_reason_is_the_one_that_helps(own_vector):
    """Codes of other files depend on their order of checks."""
    assert answer(own_vector, proof_of(own_vector)) == own_vector["code"]


ACCEPTED = [vector for vector in json.loads(VECTORS.read_text())["vectors"] if vector["expect"] == "accept"]
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text() | some.sampled_from(["0x", "0x00", "0x" + "ff" * 40]),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ["address", "scheme", "public_key", "signature", "said", "siwa_version"]


@given(good_vector=some.sampled_from(ACCEPTED), field=some.sampled_from(FIELDS), nonsense=JSON)
def test_nonsense_in_any_field_is_refused_and_breaks_nothing(good_vector, field, nonsense):
    good = proof_of(good_vector)
    altered = Proof(**{name: getattr(good, name) for name in FIELDS} | {field: nonsense})

    if altered != good and altered.scheme is not None and not (field == "siwa_version" and good_vector["kind"] != "siwa"):
        assert answer(good_vector, altered) != "ok"


@given(good_vector=some.sampled_from(ACCEPTED), at=some.integers(0, 10_000), bit=some.integers(0, 7))
def test_one_changed_bit_of_a_signature_is_refused(good_vector, at, bit):
    good = proof_of(good_vector)
    raw = bytearray.fromhex(good.signature[2:])
    raw[at % len(raw)] ^= 1 << bit

    altered = Proof(**{name: getattr(good, name) for name in FIELDS} | {"signature": "0x" + raw.hex()})

    assert answer(good_vector, altered) != "ok"


@given(good_vector=some.sampled_from(ACCEPTED), more=some.binary(min_size=1, max_size=4))
def test_trailing_bytes_are_refused(good_vector, more):
    good = proof_of(good_vector)
    for name in ("public_key", "signature"):
        altered = Proof(**{n: getattr(good, n) for n in FIELDS} | {name: getattr(good, name) + more.hex()})
        assert answer(good_vector, altered) != "ok"


@given(good_vector=some.sampled_from(ACCEPTED))
def test_a_wallet_need_not_say_what_kind_its_key_is(good_vector):
    good = proof_of(good_vector)

    assert answer(good_vector, Proof(**{name: getattr(good, name) for name in FIELDS} | {"scheme": None})) == "ok"
