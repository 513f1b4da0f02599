"""Transfers may be written and read, never changed or deleted, whoever asks."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION credit_transfer_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'transfers are immutable: correct one by a reversing transfer' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER credit_transfer_immutable BEFORE UPDATE OR DELETE ON credit_transfer
    FOR EACH ROW EXECUTE FUNCTION credit_transfer_is_immutable();
"""
ALLOW = """
DROP TRIGGER credit_transfer_immutable ON credit_transfer;
DROP FUNCTION credit_transfer_is_immutable();
"""


class Migration(migrations.Migration):
    dependencies = [("credit", "0001_first")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
