"""The catalog: metadata, code lists, resource codes, organizations, search."""
