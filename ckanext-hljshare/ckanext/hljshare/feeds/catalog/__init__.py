"""The catalog and its datasets as RDF: pages, changes since a time, dumps."""
