"""What protects the portal and the people in its data."""
