"""Budgets and alerts, and the address on documents."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from common import clock
from common.limits import limited
from common.money import format_plain
from credit import budgeting, presentation
from credit.budget_forms import BillingForm, BudgetForm
from credit.models import BillingDetails, CreditAlert
from credit.services.budgets import set_budget

ALERTS_SHOWN = 8


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@limited("credit-budget", limit=30, seconds=600)
def budgets(request):
    """The limits, what this month has used of them, and what was told."""
    standing = budgeting.standing_of(request.user, clock.now())
    form = BudgetForm(request.POST if request.method == "POST" else None, initial=_initial(standing.budget))
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        set_budget(
            owner=request.user,
            monthly_micros=said["monthly"],
            stops_new_jobs=said["stops_new_jobs"],
            low_balance_micros=said["low_balance"],
        )
        messages.success(request, "Your limits are kept.")
        return redirect("credit:budgets")
    context = {
        "form": form,
        "standing": standing,
        "notices": budgeting.notices_of(standing),
        "alerts": CreditAlert.objects.filter(owner=request.user).order_by("-created_at", "-percent")[:ALERTS_SHOWN],
        "section_tabs": presentation.sections(),
    }
    return render(request, "credit/budgets.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@limited("credit-billing", limit=30, seconds=600)
def billing(request):
    """To whom documents are made out from now on."""
    details = BillingDetails.objects.filter(owner=request.user).first() or BillingDetails(owner=request.user)
    form = BillingForm(request.POST if request.method == "POST" else None, instance=details)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Documents that are issued from now on show these details.")
        return redirect("credit:billing")
    return render(request, "credit/billing.html", {"form": form}, status=422 if form.errors else 200)


def _initial(budget) -> dict:
    """The kept limits, as they would be typed."""
    if budget is None:
        return {}
    typed = {"monthly": budget.monthly_micros, "low_balance": budget.low_balance_micros}
    words = {name: format_plain(micros or None) for name, micros in typed.items()}
    return {**words, "stops_new_jobs": budget.stops_new_jobs}
