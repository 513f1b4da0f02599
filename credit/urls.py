"""Addresses of the credit pages."""

from django.urls import path

from credit.views import budgets, documents, entries, history, overview, payments, payout_addresses, top_ups, usage, withdrawals

app_name = "credit"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("balance/", overview.balance, name="overview-balance"),
    path("newest/", overview.newest, name="overview-newest"),
    path("history/", history.history, name="history"),
    path("history.csv", history.history_csv, name="history-csv"),
    path("history/<int:pk>/", entries.entry_detail, name="entry-detail"),
    path("history/<int:pk>/invoice/", documents.entry_invoice, name="entry-invoice"),
    path("invoices/<int:pk>/", documents.invoice_pdf, name="invoice-pdf"),
    path("usage/", usage.usage, name="usage"),
    path("budgets/", budgets.budgets, name="budgets"),
    path("billing/", budgets.billing, name="billing"),
    path("statements/", documents.statement_list, name="statement-list"),
    path("statements/<int:year>-<int:month>/", documents.statement_detail, name="statement-detail"),
    path("statements/<int:year>-<int:month>.<slug:form>", documents.statement_detail, name="statement-file"),
    path("top-up/", top_ups.top_up, name="top-up"),
    path("top-up/<int:pk>/", top_ups.top_up_detail, name="top-up-detail"),
    path("top-up/<int:pk>/status/", top_ups.top_up_status, name="top-up-status"),
    path("top-up/<int:pk>/transaction/", top_ups.top_up_transaction, name="top-up-transaction"),
    path("top-up/<int:pk>/give-up/", top_ups.top_up_give_up, name="top-up-give-up"),
    path("top-up/paypal/", payments.payment_new, name="payment-new"),
    path("top-up/paypal/sum/", payments.payment_quote, name="payment-quote"),
    path("payments/<uuid:pk>/", payments.payment_detail, name="payment-detail"),
    path("payments/<uuid:pk>/status/", payments.payment_status, name="payment-status"),
    path("payments/<uuid:pk>/return/", payments.payment_return, name="payment-return"),
    path("payments/<uuid:pk>/cancel/", payments.payment_cancel, name="payment-cancel"),
    path("webhooks/paypal/", payments.paypal_webhook, name="paypal-webhook"),
    path("withdraw/", withdrawals.withdraw, name="withdraw"),
    path("withdraw/list/", withdrawals.withdraw_list, name="withdraw-list"),
    path("withdraw/<int:pk>/cancel/", withdrawals.withdraw_cancel, name="withdraw-cancel"),
    path("withdraw/addresses/", payout_addresses.address_list, name="payout-addresses"),
    path("withdraw/addresses/answer/", payout_addresses.address_answer, name="payout-address-answer"),
    path("withdraw/addresses/<int:pk>/label/", payout_addresses.address_label, name="payout-address-label"),
    path("withdraw/addresses/<int:pk>/remove/", payout_addresses.address_remove, name="payout-address-remove"),
]
