"""The operators' console: its name, colours and navigation (django-unfold reads this as settings.UNFOLD)."""

from functools import partial

from django.urls import reverse_lazy
from django.utils.text import format_lazy

NEUTRALS = {  # those of static/css/tokens.css, from light to dark
    "50": "#faf9f7", "100": "#f4f3ef", "200": "#e6e3dc", "300": "#d2cec5", "400": "#9a968d", "500": "#6f6c66",
    "600": "#55534e", "700": "#33343a", "800": "#212228", "900": "#15161a", "950": "#0c0d10",
}  # fmt: skip
ORANGES = {
    "50": "#fff4ef", "100": "#ffe5d9", "200": "#ffc9b2", "300": "#ffa57f", "400": "#ff8657", "500": "#ff6b3d",
    "600": "#c93c12", "700": "#a5300e", "800": "#852a10", "900": "#6d2611", "950": "#3b1005",
}  # fmt: skip


QUEUES = {"credit_deposit": "status__exact=unclaimed", "credit_payout": "status__exact=waiting"}  # of these lists


def entry(title: str, icon: str, model: str, only: str = "") -> dict:
    """One line of the sidebar; `model` as in "rendering_job", `only` a filter as the list's address has it."""
    link = reverse_lazy(f"admin:{model}_changelist")
    line = {"title": title, "icon": icon, "link": format_lazy("{}?{}", link, only) if only else link}
    return line | ({"active": partial(is_at, link, only)} if model in QUEUES else {})


def is_at(link, only: str, request) -> bool:
    """Which of a model's two lines is lit: its queue with that filter, the list otherwise."""
    at_queue = any(f"{name}={value}" in QUEUES.values() for name, value in request.GET.items())
    return request.path.startswith(str(link)) and at_queue == bool(only)


NAVIGATION = [
    {
        "title": "Rendering",
        "items": [
            entry("Jobs", "deployed_code", "rendering_job"),
            entry("Tasks", "checklist", "rendering_task"),
            entry("Attempts", "replay", "rendering_attempt"),
            entry("Rates and shares", "sell", "rendering_raterule"),
        ],
    },
    {
        "title": "Nodes",
        "items": [
            entry("Nodes", "dns", "workers_worker"),
            entry("Queue", "low_priority", "workers_work"),
            entry("Leases", "lock_clock", "workers_lease"),
            entry("Gateways", "hub", "workers_gateway"),
        ],
    },
    {
        "title": "Credit",
        "items": [
            entry("Accounts", "account_balance", "credit_account"),
            entry("Transfers", "swap_horiz", "credit_transfer"),
            entry("Holds", "lock", "credit_hold"),
            entry("Adjustments", "balance", "credit_adjustment"),
            entry("Revenue taken", "savings", "credit_taking"),
            entry("Reconciliation", "compare_arrows", "credit_reconciliation"),
            entry("Documents", "receipt_long", "credit_invoice"),
            entry("Rules", "gavel", "credit_creditrule"),
        ],
    },
    {
        "title": "Money in",
        "items": [
            entry("Claim queue", "person_search", "credit_deposit", QUEUES["credit_deposit"]),
            entry("Deposits", "login", "credit_deposit"),
            entry("Top-ups by chain", "qr_code_2", "credit_topup"),
            entry("Payments", "credit_card", "credit_payment"),
            entry("Disputes", "report", "credit_dispute"),
            entry("Debts", "money_off", "credit_debt"),
            entry("Provider's events", "notifications", "credit_providerevent"),
            entry("How far chains are read", "bookmark", "credit_depositcursor"),
        ],
    },
    {
        "title": "Money out",
        "items": [
            entry("Waiting for approval", "rule", "credit_payout", QUEUES["credit_payout"]),
            entry("Withdrawals", "logout", "credit_payout"),
            entry("Lanes", "conversion_path", "credit_payoutlane"),
            entry("Batches", "inventory_2", "credit_payoutbatch"),
            entry("Transactions", "send", "credit_payouttransaction"),
            entry("Addresses", "wallet", "credit_payoutaddress"),
        ],
    },
    {
        "title": "People",
        "items": [
            entry("Users", "group", "users_user"),
            entry("Groups", "badge", "auth_group"),
            entry("Sessions", "devices", "usersessions_usersession"),
            entry("Google accounts", "key", "socialaccount_socialaccount"),
        ],
    },
]


def console(*, site_name: str, static_url: str) -> dict:
    """settings.UNFOLD."""
    return {
        "SITE_TITLE": f"{site_name} operators",
        "SITE_HEADER": site_name,
        "SITE_SUBHEADER": "Operators",
        "SITE_URL": "/",
        "SITE_ICON": lambda request: f"{static_url}img/logo.svg",
        "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: f"{static_url}img/favicon.svg"}],
        "SHOW_HISTORY": True,
        "COLORS": {"base": NEUTRALS, "primary": ORANGES},
        "SIDEBAR": {"show_search": True, "show_all_applications": True, "navigation": NAVIGATION},
    }
