"""From answers to individuals: how sure each name is, how many there are, and when to stop asking."""
