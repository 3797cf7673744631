"""Grants: what an agency lets one person have of content that is not open, and the log of use."""
