"""What a browser is asked to sign, and whether what came back is that: once, within minutes, from the same browser."""

import secrets
import string
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings

from users.models import Purpose, User, WalletChallenge
from users.wallets import aptos, evm
from users.wallets.evm import stamp
from users.wallets.nodes import AptosNode, EvmNode
from users.wallets.refusals import Reason, Refused

LIFETIME = timedelta(minutes=5)
NONCE_LETTERS = string.ascii_letters + string.digits  # the grammar of both standards knows no others
NONCE_LENGTH = 22  # 131 bits
KEPT = timedelta(days=1)  # afterwards forgotten

STATEMENTS = {
    Purpose.SIGN_IN: "Sign in to {site}. This is free and moves no money.",
    Purpose.LINK: "Link this wallet to the {site} account {account}. This is free and moves no money.",
    Purpose.CONFIRM: "Confirm that you are still at the {site} account {account}. This is free and moves no money.",
    Purpose.PAYOUT: "Pay what the {site} account {account} earns to this wallet. Signing this is free.",
}


def begin(
    *, session_key: str, purpose: Purpose, form: str, user: User | None, address: str, next_page: str, now: datetime
) -> WalletChallenge:
    """A new challenge for this browser. Raises Refused: `address` is none, where the form needs one."""
    network = "evm" if form == "eip4361" else "aptos"
    return WalletChallenge.objects.create(
        nonce="".join(secrets.choice(NONCE_LETTERS) for _ in range(NONCE_LENGTH)),
        session_key=session_key,
        purpose=purpose,
        network=network,
        form=form,
        address=evm.canonical(address) if network == "evm" else "",
        user=None if purpose == Purpose.SIGN_IN else user,
        next=next_page[:500],
        issued_at=now,
        expires_at=now + LIFETIME,
    )


def consume(*, nonce: str, session_key: str, user: User | None, now: datetime) -> WalletChallenge:
    """The open challenge, used up by this: of two answers to it one is heard.

    Raises:
        Refused: unknown to this browser or this user, used, or too old.
    """
    mine = WalletChallenge.objects.filter(nonce=nonce, session_key=session_key)
    challenge = mine.first() if session_key else None
    if challenge is None or (challenge.user_id is not None and challenge.user_id != getattr(user, "pk", None)):
        raise Refused(Reason.NONCE_MISMATCH, "not asked of this browser")
    if now >= challenge.expires_at:
        raise Refused(Reason.NONCE_EXPIRED)
    if not mine.filter(used_at=None).update(used_at=now):
        raise Refused(Reason.NONCE_USED)
    return challenge


def verify(challenge: WalletChallenge, said: Mapping[str, object], now: datetime) -> str:
    """The canonical address whose owner answered a consumed challenge. Raises Refused."""
    if challenge.network == "evm":
        node = EvmNode(settings.EVM_NODE_URL, settings.EVM_CHAIN_ID)
        text, address = evm_text(challenge), challenge.address
        evm.verify(text, address, said.get("signature"), is_valid_signature=node.is_valid_signature)
        return address
    proof = aptos.Proof(
        address=said.get("address"),
        scheme=said.get("scheme"),
        public_key=said.get("publicKey"),
        signature=said.get("signature"),
        said=said.get("said"),
        siwa_version=said.get("version"),
    )
    node = AptosNode(settings.APTOS_NODE_URL, settings.APTOS_CHAIN_ID)
    return aptos.verify(proof, expected(challenge), now=now, authentication_key_of=node.authentication_key)


def forget_old(now: datetime) -> int:
    return WalletChallenge.objects.filter(expires_at__lt=now - KEPT).delete()[0]


# What is signed -------------------------------------------------------------------------------------------------------


def statement(challenge: WalletChallenge) -> str:
    account = challenge.user.username if challenge.user else ""
    return STATEMENTS[Purpose(challenge.purpose)].format(site=settings.SITE_NAME, account=account)


def domain() -> str:
    return urlsplit(settings.SITE_URL).netloc


def siwa_input(challenge: WalletChallenge) -> dict[str, str]:
    """The AptosSignInInput; the wallet adds the address."""
    return {
        "domain": domain(),
        "uri": settings.SITE_URL,
        "version": "1",
        "chainId": settings.APTOS_CHAIN_NAME,
        "nonce": challenge.nonce,
        "statement": statement(challenge),
        "issuedAt": stamp(challenge.issued_at),
        "expirationTime": stamp(challenge.expires_at),
    }


def evm_text(challenge: WalletChallenge) -> str:
    return evm.text(
        domain=domain(),
        origin=settings.SITE_URL,
        address=challenge.address,
        statement=statement(challenge),
        chain_id=settings.EVM_CHAIN_ID,
        nonce=challenge.nonce,
        issued_at=challenge.issued_at,
        expires_at=challenge.expires_at,
    )


def expected(challenge: WalletChallenge) -> aptos.Challenge:
    return aptos.Challenge(
        domain=domain(),
        origin=settings.SITE_URL,
        chain_id=settings.APTOS_CHAIN_ID,
        chain_name=settings.APTOS_CHAIN_NAME,
        statement=statement(challenge),
        nonce=challenge.nonce,
        expires_at=challenge.expires_at,
        siwa=siwa_input(challenge) if challenge.form == "siwa" else None,
    )
