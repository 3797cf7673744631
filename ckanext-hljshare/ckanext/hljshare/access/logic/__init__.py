"""Actions and authorization of the access room."""
