"""Who may apply: a verified address, and no block."""
