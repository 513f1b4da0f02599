"""A document that was issued stays as it is, whoever asks."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION credit_invoice_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'invoices are immutable: correct one by a credit note' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER credit_invoice_immutable BEFORE UPDATE OR DELETE ON credit_invoice
    FOR EACH ROW EXECUTE FUNCTION credit_invoice_is_immutable();
"""
ALLOW = """
DROP TRIGGER credit_invoice_immutable ON credit_invoice;
DROP FUNCTION credit_invoice_is_immutable();
"""


class Migration(migrations.Migration):
    dependencies = [("credit", "0005_invoices_budgets_and_history_by_time")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
