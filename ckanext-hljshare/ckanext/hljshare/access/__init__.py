"""Who may have what: the one policy, every gate that asks it, and the vault of addresses."""
