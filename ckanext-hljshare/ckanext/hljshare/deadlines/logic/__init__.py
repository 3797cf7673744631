"""Actions of the deadlines room, who may call them and what they take."""
