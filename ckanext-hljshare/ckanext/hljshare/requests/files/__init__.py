"""What comes with a request: proofs, attachments, delivered files, and the identity number.

They are protected like data: below the private root, given out by one route, and proofs and numbers
are encrypted with keys that are not in the database.
"""
