"""Collection tasks: what a superior asks agencies for (clause 5.2 b)."""
