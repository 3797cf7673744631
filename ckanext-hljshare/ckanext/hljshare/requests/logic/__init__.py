"""Actions, authorization and input of requests."""
