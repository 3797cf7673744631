"""For people with programs: the description of the API, its page, examples, CORS and limits."""
