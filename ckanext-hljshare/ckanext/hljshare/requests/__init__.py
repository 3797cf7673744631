"""Requests for data and their approval, within 10 days (clause 6.1 e, f)."""
