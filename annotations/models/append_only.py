"""A table that only grows: the database itself refuses to change or delete its rows, whoever asks by whatever SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.constraints import BaseConstraint

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# A foreign key in `forgets` may become NULL, because what it pointed to may go (an account, a withdrawn participation).
CREATE = """
CREATE FUNCTION {name}_guard() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF to_jsonb(NEW) - ARRAY[{forgets}]::text[] = to_jsonb(OLD) - ARRAY[{forgets}]::text[] {only_forgotten} THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION '{table} only grows: % is refused', TG_OP USING ERRCODE = 'restrict_violation';
END $guard$;
CREATE TRIGGER {name}_rows BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}_guard();
CREATE TRIGGER {name}_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {name}_guard();
"""
REMOVE = """
DROP TRIGGER {name}_rows ON {table};
DROP TRIGGER {name}_truncate ON {table};
DROP FUNCTION {name}_guard();
"""


class AppendOnly(BaseConstraint):
    """Rows may be added and never changed, deleted or truncated; written as a constraint, so that migrations carry it.

    forgets
        Names of foreign keys that may be set to NULL (columns ``<name>_id``), and to nothing else.
    """

    def __init__(self, *, name: str, forgets: tuple[str, ...] = ()) -> None:
        super().__init__(name=name)
        self.forgets = tuple(forgets)

    def _sql(self, template: str, model: type[models.Model]) -> str:
        columns = [f"{name}_id" for name in self.forgets]
        return template.format(
            name=self.name,
            table=model._meta.db_table,  # noqa: SLF001 - public
            forgets=", ".join(f"'{column}'" for column in columns),
            only_forgotten=" ".join(
                f"AND (NEW.{column} IS NULL OR NEW.{column} IS NOT DISTINCT FROM OLD.{column})" for column in columns
            ),
        )

    def create_sql(self, model: Any, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        """Return the triggers."""
        del schema_editor
        return self._sql(CREATE, model)

    def remove_sql(self, model: Any, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        """Return what takes them away."""
        del schema_editor
        return self._sql(REMOVE, model)

    def constraint_sql(self, model: Any, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        """Make the triggers once the table is there; nothing stands in CREATE TABLE itself."""
        if schema_editor is not None:
            schema_editor.deferred_sql.append(self._sql(CREATE, model))

    def validate(self, model: Any, instance: Any, exclude: Any = None, using: str = "default") -> None:
        """Nothing: the database decides."""

    def deconstruct(self) -> Any:
        """Tell a migration how it was made."""
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "forgets": self.forgets}

    def __eq__(self, other: object) -> bool:
        """Compare what a migration compares."""
        return isinstance(other, AppendOnly) and self.deconstruct() == other.deconstruct()

    __hash__ = None  # type: ignore[assignment] # as Django's own constraints
