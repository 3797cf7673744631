"""Actions, their authorization, and validators."""
