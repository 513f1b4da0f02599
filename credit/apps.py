from django.apps import AppConfig


class CreditConfig(AppConfig):
    """The ledger: accounts, transfers, holds, earnings."""

    name = "credit"

    def ready(self) -> None:
        from credit import closing, receivers  # noqa: F401  connects them
        from credit.chains import all_chains

        all_chains()  # a wrong address stops the start
