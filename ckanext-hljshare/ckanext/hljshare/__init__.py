"""Sharing and opening of government data: one CKAN plugin for each room of this package."""
