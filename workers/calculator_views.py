"""What a machine may earn, for anybody, before anything is installed."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from common import clock
from common.limits import limited
from workers import market
from workers.calculator import Month, month
from workers.calculator_form import CalculatorForm
from workers.market import Measured


@require_safe
@limited("calculator", limit=60, seconds=60, method="GET")
def calculator(request: HttpRequest) -> HttpResponse:
    """From what nodes of the same kind earned of late; where nothing was measured it says so and guesses nothing."""
    found = market.measured(now=clock.now())
    form = CalculatorForm(found, request.GET.dict())
    chosen = found[form.cleaned_data["model"]] if found and form.is_valid() else None
    context = {
        "form": form if found else None,
        "chosen": chosen,
        "month": chosen and _month(chosen, form.cleaned_data),
        "days": market.DAYS,
        "owners": market.OWNERS_MIN,
    }
    return render(request, "workers/calculator.html", context)


def _month(chosen: Measured, said: dict) -> Month:
    return month(
        low_hour_micros=chosen.low_hour_micros * said["gpus"],
        high_hour_micros=chosen.high_hour_micros * said["gpus"],
        busy=chosen.busy,
        hours_a_day=said["hours"],
        busy_watts=said["busy_watts"],
        idle_watts=said["idle_watts"],
        kwh_micros=said["kwh"],
    )
