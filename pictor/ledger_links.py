"""Which app knows what an entry of the ledger was for, by the first word of its key; a routing table like a URLconf.

The values name functions as credit.links.Finder says.
"""

LEDGER_LINKS: dict[str, str] = {  # first word of the key -> dotted path, imported on first use
    "deposit": "credit.ledger_links.of_deposit",
    "dispute": "credit.ledger_links.of_dispute",
    "job": "rendering.ledger_links.of_job",
    "paypal": "credit.ledger_links.of_paypal",
    "payout": "credit.ledger_links.of_payout",
    "task": "rendering.ledger_links.of_task",
}
