"""The list of what is public, in one order for good, and what was made of each entry for feeds."""
