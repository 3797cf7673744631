"""The catalog as a list in the national format, 发改高技〔2017〕1272号."""
