"""Emptying the tables after a test that commits: some fifty TRUNCATE cost half a second of CPU, this a hundredth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.core.management.commands import flush
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations

# What `migrate` fills and no test changes: it stays, and need not be made again.
KEPT = {"django_content_type", "auth_permission", "django_site"}
# Whoever still writes is waited for, as TRUNCATE would. No trigger runs: neither the checks of foreign keys (all of it
# goes) nor the guards of the log and the ledger. A table that has grown is cut, so that no plan looks at dead rows.
EMPTY = """
DO $$
DECLARE name text; filled boolean;
BEGIN
  LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE;
  PERFORM set_config('session_replication_role', 'replica', true);
  FOREACH name IN ARRAY ARRAY[{names}] LOOP
    IF pg_relation_size(quote_ident(name)::regclass) > 200000 THEN
      EXECUTE format('TRUNCATE %I CASCADE', name);
    ELSE
      EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO filled;
      IF filled THEN EXECUTE format('DELETE FROM %I', name); END IF;
    END IF;
  END LOOP;
END $$
"""


def empty_quickly(patch: pytest.MonkeyPatch) -> None:
    """Let Django empty tables by EMPTY; where we may not turn triggers off it goes on with TRUNCATE."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone() != (True,):
            return

    def sql_flush(self: DatabaseOperations, style: object, tables: Sequence[str], **_: Any) -> list[str]:
        names = [name for name in tables if name not in KEPT]
        quoted = ", ".join(map(self.quote_name, names))
        return [EMPTY.format(tables=quoted, names=", ".join(f"'{name}'" for name in names))]

    patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
    patch.setattr(flush, "emit_post_migrate_signal", lambda *_, **__: None)
