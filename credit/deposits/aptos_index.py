"""An indexer of Aptos over GraphQL, asked for the versions at which something may have come. What came, the full node says.

A full node lists all transactions and none by receiver, and main net has more of them than can be read one page after another.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from credit.chains import Asset, Chain
from credit.deposits.wire import NodeDown, ask, listing, mapping, whole

VERSIONS_MAX = 25  # of one answer; each is asked again at the node
ANSWER_BYTES_MAX = 1 << 20
STATUS = """{
  ledger_infos { chain_id }
  processor_status(where: {processor: {_eq: "fungible_asset_processor"}}) { last_success_version }
}"""
PAID = """query Paid($owner: String!, $asset: String!, $after: bigint!, $until: bigint!, $limit: Int!) {
  fungible_asset_activities(
    where: {
      owner_address: {_eq: $owner}, asset_type: {_eq: $asset}, type: {_eq: "0x1::fungible_asset::Deposit"}
      transaction_version: {_gt: $after, _lte: $until}
    }
    order_by: {transaction_version: asc}
    limit: $limit
  ) { transaction_version }
}"""


@dataclass(frozen=True, slots=True)
class AptosIndex:
    """Where one asset came to the treasury of one chain."""

    chain: Chain
    asset: Asset

    def versions(self, after: int, until: int) -> tuple[list[int], int]:
        """Those beyond `after`, in order, and how far that is all of them: as far as the index has read, `until` at most."""
        until = min(until, self._read_to())
        if until <= after:
            return [], after
        wanted = {"owner": self.chain.treasury, "asset": self.asset.contract, "after": after, "until": until}
        rows = listing(self._ask(PAID, limit=VERSIONS_MAX, **wanted).get("fungible_asset_activities"))
        found = [whole(mapping(row).get("transaction_version")) for row in rows]
        if len(found) > VERSIONS_MAX:  # each would be a question to the node
            raise NodeDown(f"the index answers {len(found)} versions, and {VERSIONS_MAX} were asked for")
        if found != sorted(found) or any(not after < version <= until for version in found):
            raise NodeDown("the index answers versions that were not asked for")
        return list(dict.fromkeys(found)), until if len(found) < VERSIONS_MAX else found[-1]

    def _read_to(self) -> int:
        """Asked before the versions: what the index reads meanwhile is found the next time."""
        said = self._ask(STATUS)
        infos, states = listing(said.get("ledger_infos")), listing(said.get("processor_status"))
        if not infos or whole(mapping(infos[0]).get("chain_id")) != self.chain.chain_id:
            raise NodeDown(f"the index is not of chain {self.chain.chain_id}")
        return min((whole(mapping(state).get("last_success_version")) for state in states), default=0)

    def _ask(self, query: str, **variables) -> Mapping[str, object]:
        key = settings.APTOS_INDEXER_KEY
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        question = {"query": query, "variables": variables}
        _, answer = ask("POST", self.chain.indexer_url, bytes_max=ANSWER_BYTES_MAX, json=question, headers=headers)
        said = mapping(answer)
        if said.get("errors") or "data" not in said:
            raise NodeDown(f"the index: {said.get('errors')!r:.120}")
        return mapping(said["data"])
