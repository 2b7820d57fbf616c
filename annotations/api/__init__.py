"""The REST API: own studies, their state, numbers and exports; read-only, by the same table of permissions."""
