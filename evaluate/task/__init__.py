"""The user's own held-out rows to score rows: labels by a head or a prompt, and written answers."""
