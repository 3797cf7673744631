"""Deadlines: the outbox and notices, the calendar and the count of days."""
